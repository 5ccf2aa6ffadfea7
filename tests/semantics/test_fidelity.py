"""docs/fidelity.md: that it is what the data give."""

from pathlib import Path

from klpdsl.semantics.fidelity import differences, main, render
from klpdsl.semantics.table import order, table

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "fidelity.md"


def test_the_document_is_up_to_date() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == render(), "run make docs"


def test_the_document_names_everything() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for name in (*order(), *table()["proposals"]):
        assert f"| `{name}` |" in text
    for row in differences():
        assert f"- **{row['id']}** " in text


def test_every_table_row_has_all_its_cells() -> None:
    tables = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    widths = {line.replace("\\|", "").count("|") for line in tables}
    assert widths == {8, 4, 6, 7}


def test_writing_and_checking(tmp_path: Path) -> None:
    path = tmp_path / "fidelity.md"
    assert main([str(path)]) == 0
    assert main(["--check", str(path)]) == 0
    path.write_text("something else")
    assert main(["--check", str(path)]) == 1
    assert main([]) == 2
