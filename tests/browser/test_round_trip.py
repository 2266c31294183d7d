"""A diagram that was opened and saved in the drawing tool differs only where it was edited."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.xml_compare import differences
from workflows.notices import bundled_notices, list_notices
from workflows.notices.drafts import start_draft

pytestmark = pytest.mark.browser
DIAGRAMS = {
    f"{key}/{path}": content
    for key, files in bundled_notices().items()
    for path, content in files.items()
    if path.endswith(".bpmn")
}


@pytest.fixture
def tool(site: Any) -> Any:
    """The drawing tool's page."""
    who = site.place.person("designer")
    with site.place.engine.begin(by=who.id) as work:
        (notice,) = list_notices(work)
        draft_id = start_draft(work, who, notice.id)
    page = site.open("designer")
    page.goto(f"{site.address}/drafts/{draft_id}/edit/case.bpmn")
    page.locator("#designer[data-shown=yes]").wait_for()
    return page


def save(page: Any, xml: bytes, change: str = "") -> bytes:
    """Open a diagram, change something, and save it."""
    saved: str = page.evaluate(
        f"""async (xml) => {{
        const modeler = document.getElementById('designer').modeler;
        await modeler.importXML(xml);
        const elements = modeler.get('elementRegistry'), modeling = modeler.get('modeling');
        {change}
        return (await modeler.saveXML({{ format: true }})).xml;
        }}""",
        xml.decode(),
    )
    return saved.encode()


def test_every_bundled_diagram_is_saved_as_it_was(tool: Any) -> None:
    assert len(DIAGRAMS) >= 2
    assert {name: differences(xml, save(tool, xml)) for name, xml in DIAGRAMS.items()} == dict.fromkeys(DIAGRAMS, [])


def test_an_edit_changes_what_was_edited_and_nothing_else(tool: Any) -> None:
    xml = DIAGRAMS["samr_2022_932/case.bpmn"]
    renamed = save(tool, xml, "modeling.updateProperties(elements.get('audit'), { name: '省级初审' });")
    assert [each.rpartition("/")[2] for each in differences(xml, renamed)] == [
        "audit@name: '省级审核' is '省级初审'",
        "audit_di: children ['Bounds'] are ['Bounds', 'BPMNLabel']",  # the tool notes where the name stands
    ]
    moved = differences(xml, save(tool, xml, "modeling.moveShape(elements.get('apply'), { x: 0, y: 10 });"))
    assert {each.split("/")[4].partition(":")[0] for each in moved} <= {
        "apply_di", "apply_cutoff_di", "flow_collect_start_apply_di", "flow_apply_by_channel_di", "flow_apply_cutoff_expire_di",
    }  # fmt: skip
    assert any("apply_di/Bounds@y: '210' is '220'" in each for each in moved)


def test_the_comparison_sees_every_difference() -> None:
    xml = DIAGRAMS["samr_2022_932/case.bpmn"]
    assert differences(xml, xml.replace(b"bpmn:", b"b:").replace(b"xmlns:bpmn=", b"xmlns:b=")) == []
    for before, after in (
        (b"P10D", b"P11D"),
        (b'x="450" y="210"', b'x="451" y="210"'),
        (b'event="create" ', b""),
        (b"<bpmn:incoming>flow_start_case_collect</bpmn:incoming>", b""),
    ):
        assert before in xml and differences(xml, xml.replace(before, after, 1)) != []
