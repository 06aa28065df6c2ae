"""The tree of draws, whose variables are found by the names that tables print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import xarray as xr

from winstan._text import find_name

if TYPE_CHECKING:
    from collections.abc import Mapping


class Maker(Protocol):
    """What makes groups of a tree when they are asked for."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the groups."""

    def make(self, posterior: xr.Dataset, name: str) -> xr.Dataset:
        """Make the group of this name."""


class DataTree(xr.DataTree):
    """xarray's, where ``I(x / 10)`` and ``I(x/10)`` name a variable, not one of a child node.

    Variables of a DataTree have no slash in their own names: they have a fraction slash there,
    which is the name for ArviZ's ``var_names=``.

    Groups that a `maker` can make are made when they are first asked for by their name, and are
    children from then on.
    """

    __slots__ = ("maker",)

    maker: Maker | None

    def __getitem__(self, key: Any) -> Any:
        """Return a variable or a child node, by its name or its path."""
        if isinstance(key, str):
            head, _, rest = key.strip("/").partition("/")
            self._make(head)
            if rest and head in self.children:
                return self.children[head][rest]
            key = self._own_name(key)
        return super().__getitem__(key)

    def __getattr__(self, name: str) -> Any:
        """Return a variable, a child node or an attribute."""
        if not name.startswith("_") and name != "maker" and self._make(name):
            return self.children[name]
        return super().__getattr__(name)

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, str):
            return super().__contains__(key)
        return key in self._to_make or super().__contains__(self._own_name(key))

    def get(self, key: str, default: Any = None) -> Any:
        """Return a variable or a child node of this node; `default` if there is none."""
        self._make(key)
        return super().get(self._own_name(key), default)

    @property
    def _to_make(self) -> tuple[str, ...]:
        maker = getattr(self, "maker", None)
        return () if maker is None else maker.names

    def _make(self, name: str) -> bool:
        """Make a group if it can be made and is not there; whether it was."""
        if name not in self._to_make or name in self.children:
            return False
        assert self.maker is not None
        made = self.maker.make(self.children["posterior"].to_dataset(), name)
        self[name] = xr.DataTree(made)
        return True

    def _own_name(self, key: str) -> str:
        own: Mapping[Any, Any] = self.variables
        if key in own or key in self.children:
            return key
        return find_name(key, map(str, own)) or key
