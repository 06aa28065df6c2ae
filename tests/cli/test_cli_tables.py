"""The command line reads what `winstan.fit` reads, and its results replace those of before."""

import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from made_draws import made_fit
from models import model_of

import winstan as ws
from winstan.cli import main
from winstan.cli.files import make_folder, write_fit
from winstan.cli.tables import read_table
from winstan.design_warnings import silenced
from winstan.errors import DataError, DesignWarning, OptionError

ROW = np.arange(24)


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.slow
def test_a_column_is_of_one_type_however_long_the_file_is(tmp_path):
    n = 300_000  # more than pandas reads at once
    labels = np.where(np.arange(n) < n - 10, (np.arange(n) % 5).astype(str), "M6")
    pd.DataFrame({"y": np.arange(n), "m": labels}).to_csv(tmp_path / "long.csv", index=False)
    found = read_table(tmp_path / "long.csv")["m"]
    assert set(found.unique()) == {"0", "1", "2", "3", "4", "M6"}


@pytest.mark.parametrize("word", ["None", "none", "NA", "null", "n/a", "NULL", "nan"])
def test_words_for_missing_are_labels_in_text(word, tmp_path):
    data = pd.DataFrame({"y": ROW + 0.5, "drug": np.array([word, "high", "low"])[ROW % 3]})
    data.to_csv(tmp_path / "a.csv", index=False)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = read_table(tmp_path / "a.csv")
    pd.testing.assert_frame_equal(found, data)
    # A control group may be called None; NA it is not called, as a rule.
    assert [w.message.guard for w in told] == ([] if word.lower() == "none" else ["missing_words"])
    for w in told:
        assert f"'{word}' (8)" in str(w.message)
        assert f"--missing {word}" in str(w.message)
    assert read_table(tmp_path / "a.csv", missing=[word])["drug"].isna().sum() == 8
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_table(tmp_path / "a.csv", used={"y"})
        with silenced("missing_words"):
            read_table(tmp_path / "a.csv")


def test_words_for_missing_are_missing_among_numbers_and_named(tmp_path):
    path = write(tmp_path / "a.csv", "y,x,b,t\n1,0.5,True,a\n2,NA,NA,\n3,,False,b\n4,nan,True,c\n")
    with pytest.warns(DesignWarning) as told:
        found = read_table(path)
    assert found["x"].isna().tolist() == [False, True, True, True]
    assert found["x"][0] == 0.5
    assert found["b"].isna().tolist() == [False, True, False, False]
    assert found["b"].dropna().tolist() == [True, False, True]
    assert found["t"].isna().tolist() == [False, True, False, False]
    messages = [str(w.message) for w in told]
    assert len(messages) == 2
    assert "'x' has the word 'NA' (1), the word 'nan' (1) among its numbers" in messages[0]
    assert "2 of 4 rows" in messages[0]
    assert "'b' has the word 'NA' (1)" in messages[1]
    assert read_table(write(tmp_path / "b.csv", "x\n1\n-99\n"), missing=["-99"])["x"].isna()[1]


SEPARATED = {
    "semicolons": ("y;x\n1;2\n3;4\n", "';'"),
    "tabs": ("y\tx\n1\t2\n3\t4\n", "tab"),
    "commas": ("y,x\n1,2\n3,4\n", None),
    "semicolons and a comma in a name": ('y;"x, mg"\n1;2\n3;4\n', "';'"),
    "commas and semicolons in names": ("a;1,b;2\n1,2\n3,4\n", None),
    "semicolons in text": ("y,x\n1,2;5\n3,4;6\n", None),
    "one column": ("y\n1\n3\n", None),
    "a mark at the beginning": ("\ufeffy;x\n1;2\n3;4\n", "';'"),
}


@pytest.mark.parametrize("case", SEPARATED)
def test_separators_are_found_out_and_said(case, tmp_path, capsys):
    text, told = SEPARATED[case]
    found = read_table(write(tmp_path / "a.csv", text))
    assert found.shape == (2, 1 if case == "one column" else 2)
    assert found.iloc[:, 0].tolist() == [1, 3]
    said = capsys.readouterr().err
    assert (f"separated by {told}" in said) if told else said == ""


def test_decimal_commas_are_read_where_columns_have_other_separators(tmp_path, capsys):
    path = write(tmp_path / "a.csv", "y;x;m\n1,5;2;a\n-0,25;4;b\n")
    found = read_table(path)
    assert found["y"].tolist() == [1.5, -0.25]
    assert "decimal commas, as in 'y'" in capsys.readouterr().err
    # Between commas they are quoted, and read only when that is asked for
    path = write(tmp_path / "b.csv", 'y,x\n"1,5",2\n"-0,25",4\n')
    assert read_table(path)["y"].tolist() == ["1,5", "-0,25"]
    assert "--decimal , reads the decimal commas of 'y'" in capsys.readouterr().err
    assert read_table(path, decimal=",")["y"].tolist() == [1.5, -0.25]
    path = write(tmp_path / "c.csv", "y;x\n1,5;2\nNA;4\n")
    with pytest.warns(DesignWarning, match="'NA'"):
        assert read_table(path)["y"].tolist()[:1] == [1.5]
    # Two marks in one file are for the user to sort out
    found = read_table(write(tmp_path / "d.csv", "y;x\n1,5;2.5\n2,5;4.5\n"))
    assert found["y"].tolist() == ["1,5", "2,5"]


def test_options_of_reading(tmp_path):
    path = write(tmp_path / "a.csv", "y|x\n1|2\n")
    assert list(read_table(path, sep="|")) == ["y", "x"]
    assert list(read_table(write(tmp_path / "b.csv", "y\tx\n1\t2\n"), sep="tab")) == ["y", "x"]
    for options, message in (
        ({"sep": "||"}, "--sep"),
        ({"decimal": ";"}, "--decimal"),
        ({"decimal": ",", "sep": ","}, "both"),
    ):
        with pytest.raises(OptionError, match=message):
            read_table(path, **options)
    with pytest.raises(OptionError, match=r"--sep ;: .*a\.parquet is no csv"):
        read_table(tmp_path / "a.parquet", sep=";")


def test_options_of_reading_reach_the_table(tmp_path, capsys, monkeypatch):
    path = write(tmp_path / "a.csv", "y|m\n1,5|none\n2,5|-\n")
    given = []

    def kept(formula, data, *_, **__):
        given.append(data)
        raise DataError("enough")

    monkeypatch.setattr("winstan.fitting.fit", kept)
    options = ["--sep", "|", "--decimal", ",", "--missing", "-"]
    assert main(["fit", str(path), "y ~ m", *options]) == 2
    assert "enough" in capsys.readouterr().err
    assert given[0]["y"].tolist() == [1.5, 2.5]
    assert given[0]["m"].isna().tolist() == [False, True]


def test_a_workbook_is_read_or_its_package_named(tmp_path, monkeypatch):
    path = tmp_path / "a.xlsx"
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    path.write_bytes(b"PK")
    with pytest.raises(DataError, match=r"a\.xlsx: xlsx needs openpyxl.*csv"):
        read_table(path)


def test_a_workbook_s_first_sheet_is_the_frame_that_was_written(tmp_path, capsys):
    pytest.importorskip("openpyxl")
    data = pd.DataFrame({"y": ROW + 0.5, "drug": np.array(["None", "high", "low"])[ROW % 3]})
    noted = data.assign(y=[*data["y"][:-1], "NA"])
    with pd.ExcelWriter(tmp_path / "a.xlsx") as book:
        data.to_excel(book, sheet_name="trials", index=False)
        noted.to_excel(book, sheet_name="notes", index=False)
    pd.testing.assert_frame_equal(read_table(tmp_path / "a.xlsx"), data)
    assert "first sheet is read, 'trials', not notes" in capsys.readouterr().err
    noted.to_excel(tmp_path / "b.xlsx", index=False)
    with pytest.warns(DesignWarning, match="'NA'"):
        found = read_table(tmp_path / "b.xlsx")
    assert found["y"].isna().tolist() == [False] * 23 + [True]
    (tmp_path / "c.xlsx").write_bytes(b"no workbook")
    with pytest.raises(DataError, match="cannot be read"):
        read_table(tmp_path / "c.xlsx")


@pytest.mark.filterwarnings("ignore::winstan.errors.DesignWarning")
@pytest.mark.slow
def test_results_replace_those_of_the_run_before_and_nothing_else(tmp_path, capsys):
    data = ws.simulate_lfp(n_mice=6, n_trials=12, seed=2)
    first = made_fit(model_of("Power ~ stim + (1|mouse)", data, "gamma"), draws=20)
    second = made_fit(model_of("Power ~ trial", data, "gamma"), draws=20)
    out = tmp_path / "out"
    make_folder(out)
    (out / "notes.txt").write_text("mine")
    write_fit(first, {"stim": first.contrast("stim")}, out, None, None)
    assert {p.name for p in out.iterdir()} == {
        "notes.txt", "summary.csv", "draws.nc", "intercepts_mouse.png",
        "contrast_stim.csv", "difference_stim.png",
    }  # fmt: skip
    capsys.readouterr()
    write_fit(second, {"trial": second.contrast("trial")}, out, None, None)
    assert {p.name for p in out.iterdir()} == {
        "notes.txt", "summary.csv", "draws.nc", "contrast_trial.csv",
        "difference_trial.png",
    }  # fmt: skip
    assert (out / "notes.txt").read_text() == "mine"
    assert "mouse" not in (out / "summary.csv").read_text()
    told = capsys.readouterr().out
    assert "notes.txt" not in told
    assert "contrast_trial.csv, difference_trial.png, draws.nc, summary.csv" in told


@pytest.mark.parametrize(
    "name",
    ["contrast_old.csv", "difference_mine.png", "intercepts_a.png", "table.csv", "draws.nc"],
)
def test_files_of_the_user_s_own_that_are_called_as_results_are_kept(name, tmp_path):
    (tmp_path / name).write_bytes(b"a,b\n1,2\n")
    with pytest.raises(DataError, match=rf"{name} would lie among the new results"):
        make_folder(tmp_path)
    assert (tmp_path / name).read_bytes() == b"a,b\n1,2\n"


def test_text_that_is_not_utf8_is_refused_with_the_remedy(tmp_path):
    path = tmp_path / "latin.csv"
    path.write_bytes("y,sex\n1,m\xe4nnlich\n2,weiblich\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"not UTF-8.*iconv"):
        read_table(path)


def test_whose_effect_is_checked_before_anything_is_read(tmp_path, capsys):
    words = ["fit", str(tmp_path / "none.csv"), "y ~ x + (1|g)", "--groups", "zero"]
    assert main(words) == 2
    assert "which is called 'typical'" in capsys.readouterr().err
