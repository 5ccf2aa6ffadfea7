"""docs/confirmed.md: that it is what the evidence gives."""

from pathlib import Path

from klpdsl.goldens.suite import Suite
from klpdsl.kernel import evidence
from klpdsl.kernel.confirmed import render
from klpdsl.kernel.evidence import Evidence
from klpdsl.kernel.evidence_files import names_kept

ROOT = Path(__file__).resolve().parents[2]


def test_the_document_is_up_to_date() -> None:
    document = (ROOT / "docs" / "confirmed.md").read_text(encoding="utf-8")
    assert document == render(Suite(str(ROOT))), "make docs brings it up to date"


def test_at_least_sixty_scenarios_are_confirmed_on_every_kernel() -> None:
    suite = Suite(str(ROOT))
    kept = [evidence.read(suite, name) for name in names_kept(suite)]
    everywhere = [rows for rows in kept if all(row.state == "confirmed" for row in rows.values())]
    assert len([rows for rows in everywhere if set(rows) >= {"6.1", "6.12"}]) >= 60


def test_what_is_counted(tmp_path: Path) -> None:
    suite = Suite(str(tmp_path))
    yes = Evidence("confirmed", "6.1.0", "v6.1", "a", "b")
    no = Evidence("contradicted", "6.12.1", "v6.12", "a", "b", why=("step 1: tick", "only the model:  = 0"))
    evidence.write(suite, "a/one", {"6.1": yes, "6.12": yes._replace(release="6.12.1")})
    evidence.write(suite, "a/two", {"6.1": yes, "6.12": no})
    evidence.write(suite, "b/three", {"6.1": Evidence("not-expressible", "6.1.0", why=("`cpus`", "`arch`"))})
    text = render(suite)
    assert "| 6.1 | 6.1.0 | 2 | 0 | 1 |\n| 6.12 | 6.12.1 | 1 | 1 | 0 |\n" in text
    assert "\n1 scenarios are confirmed on all of them.\n" in text
    assert "| a | 2 | 1 |\n| b | 0 | 0 |\n" in text
    assert "`a/two` on 6.12:\n\n    step 1: tick\n    only the model:  = 0\n" in text
    assert "| `b/three` | `cpus`; `arch` |\n" in text
