"""Schemas from a folder: which one is taken, what they find, and that they lead nowhere else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hub.errors import SettingsError
from hub.schemas import NO_SCHEMAS, read_schemas

ORDER = {
    "type": "object",
    "required": ["order"],
    "properties": {"order": {"type": "string"}, "quantity": {"$ref": "parts.json#/$defs/quantity"}},
    "additionalProperties": False,
}
PARTS = {"$defs": {"quantity": {"type": "number", "minimum": 0}}}
XSD = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:o" xmlns="urn:o"
 elementFormDefault="qualified">{include}<xs:element name="Order"><xs:complexType><xs:sequence>
 <xs:element name="ID" type="xs:string"/><xs:element name="Quantity" type="xs:decimal"/></xs:sequence></xs:complexType>
 </xs:element></xs:schema>"""


def folder(tmp_path: Path, **files: object) -> Path:
    for name, content in files.items():
        path = tmp_path / name.replace("__", ".")
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return tmp_path


def checked(schemas: object, content: str, kind: str = "application/json", flow: str = "orders") -> list[str]:
    found = schemas.check(flow, "OrderDocument", content.encode(), kind)  # type: ignore[attr-defined]
    return [f"{each.path} {each.message}" for each in found]


def test_without_a_folder_and_without_a_schema_nothing_is_found(tmp_path) -> None:
    assert checked(NO_SCHEMAS, "not even json") == []
    assert checked(read_schemas(folder(tmp_path)), '{"a": 1}') == []
    assert checked(read_schemas(folder(tmp_path)), "<a/>", "application/xml") == []


def test_the_flows_schema_goes_before_the_documents(tmp_path) -> None:
    schemas = read_schemas(folder(tmp_path, orders__schema__json={"type": "array"},
                                  OrderDocument__schema__json={"type": "object"}))  # fmt: skip
    assert checked(schemas, "{}") == ['$ does not fit: type "array"']
    assert checked(schemas, "{}", flow="others") == []


def test_what_does_not_fit_is_named_without_its_value(tmp_path) -> None:
    schemas = read_schemas(folder(tmp_path, orders__schema__json=ORDER, parts__json=PARTS))
    assert checked(schemas, '{"order": "1", "quantity": 1.50}') == []
    assert checked(schemas, '{"quantity": "secret-7"}') == [
        "$ 'order' is a required property",
        '$.quantity does not fit: type "number"',
    ]
    assert "('extra' was unexpected)" in checked(schemas, '{"order": "1", "extra": "secret"}')[0]
    assert "secret" not in "".join(checked(schemas, '{"order": "1", "extra": "secret"}'))


def test_a_document_that_cannot_be_read_does_not_fit(tmp_path) -> None:
    schemas = read_schemas(folder(tmp_path, orders__schema__json=ORDER, parts__json=PARTS))
    assert "cannot be read" in checked(schemas, "{")[0]


def test_a_reference_that_leads_out_of_the_folder_is_no_way_out(tmp_path) -> None:
    schemas = read_schemas(folder(tmp_path, orders__schema__json={"$ref": "https://example.com/evil.json"}))
    assert "not in the folder" in checked(schemas, "{}")[0]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", "{", "is no JSON"),
        ("a.json", "[]", "an object"),
        ("orders.schema.json", '{"type": 7}', "is no JSON Schema"),
        ("a.xsd", "<a", "is no XML"),
        ("a.xsd", "<a/>", "is no XML Schema"),
        ("a.xsd", '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + XSD.format(include=""), "DOCTYPE"),
        ("a.xsd", XSD.format(include='<xs:include schemaLocation="../b.xsd"/>'), "not a file in"),
        ("a.xsd", XSD.format(include='<xs:include schemaLocation="http://example.com/b.xsd"/>'), "not a file in"),
        (
            "a.xsd",
            XSD.format(include='<xs:import namespace="x" schemaLocation="file:///x"/>'),
            "not a file in",
        ),
    ],
)
def test_a_folder_with_something_else_is_not_served(tmp_path, name, content, said) -> None:
    (tmp_path / "b.xsd").unlink(missing_ok=True)
    (tmp_path.parent / "b.xsd").write_text(XSD.format(include=""))
    (tmp_path / name).write_text(content)
    with pytest.raises(SettingsError, match=said):
        read_schemas(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(SettingsError, match="--schemas"):
        read_schemas(tmp_path / "nothing")


def test_xml_goes_by_its_root_element(tmp_path) -> None:
    schemas = read_schemas(folder(tmp_path, order__xsd=XSD.format(include="")))
    good = '<Order xmlns="urn:o"><ID>1</ID><Quantity>1.5</Quantity></Order>'
    assert checked(schemas, good, "application/xml") == []
    (found,) = checked(schemas, good.replace("1.5", "much"), "application/xml")
    assert "Quantity" in found
    # an element of that name and no namespace that is known: held against the only one there is
    assert checked(schemas, good.replace("urn:o", "urn:old"), "application/xml")
    assert checked(schemas, "<Other/>", "application/xml") == []


def test_the_real_b2mml_schemas(b2mml) -> None:
    schemas = read_schemas(b2mml / "schema")
    old = (b2mml / "examples" / "MAT-20121210170256-CRBN0001.xml").read_bytes()
    found = schemas.check("master-data", "MaterialDefinition", old, "application/xml")
    assert found  # of V0401, and the schemas are of V0700
    new = (
        b'<SyncMaterialDefinition xmlns="http://www.mesa.org/xml/B2MML" releaseID="V0700"><ApplicationArea>'
        b"<CreationDateTime>2026-01-01T00:00:00Z</CreationDateTime></ApplicationArea><DataArea><Sync/>"
        b"<MaterialDefinition><ID>M-1</ID></MaterialDefinition></DataArea></SyncMaterialDefinition>"
    )
    assert schemas.check("master-data", "MaterialDefinition", new, "application/xml") == []
    wrong = new.replace(b"<ID>M-1</ID>", b"<Name>M-1</Name>")
    assert "Name" in schemas.check("master-data", "MaterialDefinition", wrong, "application/xml")[0].message


@pytest.fixture
def b2mml() -> Path:
    for parent in (Path.cwd(), *Path(__file__).resolve().parents):
        found = parent.parent / "shared" / "data" / "b2mml"
        if found.is_dir():
            return found
    pytest.skip("the B2MML schemas are not on this machine (../shared/data/b2mml)")
