"""The tree of draws, whose variables are found by the names that tables print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import xarray as xr

from winstan._text import find_name

if TYPE_CHECKING:
    from collections.abc import Mapping


class DataTree(xr.DataTree):
    """xarray's, where ``I(x / 10)`` and ``I(x/10)`` name a variable, not one of a child node.

    Variables of a DataTree have no slash in their own names: they have a fraction slash there,
    which is the name for ArviZ's ``var_names=``.
    """

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        """Return a variable or a child node, by its name or its path."""
        if isinstance(key, str):
            head, _, rest = key.strip("/").partition("/")
            if rest and head in self.children:
                return self.children[head][rest]
            key = self._own_name(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        return super().__contains__(self._own_name(key) if isinstance(key, str) else key)

    def get(self, key: str, default: Any = None) -> Any:
        """Return a variable or a child node of this node; `default` if there is none."""
        return super().get(self._own_name(key), default)

    def _own_name(self, key: str) -> str:
        own: Mapping[Any, Any] = self.variables
        if key in own or key in self.children:
            return key
        return find_name(key, map(str, own)) or key
