"""Where the hub delivers to: instances, addresses, and what makes a delivery final."""

from __future__ import annotations

import msgspec
import pytest

from hub.declarations import Catalogue, SystemDeclaration, shipped_catalogue
from hub.landscape import Endpoint, Landscape
from transactions.errors import Invalid
from transactions.landscape import Verify

CATALOGUE = shipped_catalogue()


def own(**systems: SystemDeclaration) -> Landscape:
    """A team's landscape over the shipped one."""
    return Landscape(CATALOGUE.merged(Catalogue(system=systems)))


def simulated() -> Landscape:
    landscape = Landscape(CATALOGUE)
    landscape.use_addresses(
        {
            name if plant is None else f"{name}/{plant}": f"http://{name}-{plant}"
            for name, plant in CATALOGUE.instances()
        }
    )
    return landscape


def found(landscape: Landscape, target: str, plant: str | None = "P01") -> Endpoint:
    endpoint = landscape.endpoint(target, plant)
    assert endpoint is not None
    return endpoint


@pytest.mark.parametrize(("target", "label"), [("MES", "MES/P01"), ("WMS", "WMS/P01"), ("ERP", "ERP"), ("EDI", "EDI")])
def test_a_local_system_has_an_instance_per_plant(target: str, label: str) -> None:
    endpoint = found(simulated(), target)
    assert endpoint.label == label
    assert endpoint.plant == ("P01" if "/" in label else None)
    assert endpoint.url == f"http://{target}-{endpoint.plant}"
    assert simulated().instance(target, "P01") == (target, endpoint.plant)


def test_every_instance_of_the_catalogue_is_found() -> None:
    landscape = simulated()
    urls = {found(landscape, name, plant or "P01").url for name, plant in CATALOGUE.instances()}
    assert len(urls) == len(CATALOGUE.instances()) == 20


def test_without_an_address_it_is_declared_and_cannot_be_reached() -> None:
    endpoint = found(Landscape(CATALOGUE), "ERP")
    assert endpoint.url is None
    assert not endpoint.asks


def test_a_declared_address_is_filled_in() -> None:
    landscape = own(
        MES=SystemDeclaration(title="MES", local=True, url="https://mes-{plant}.example/api/"),
        ERP=SystemDeclaration(title="ERP", url="https://erp.example/"),
    )
    assert found(landscape, "MES", "P02").url == "https://mes-P02.example/api"
    assert found(landscape, "ERP", "P02").url == "https://erp.example", "no slash twice"


def test_the_simulator_s_address_comes_first_and_is_replaced_whole() -> None:
    landscape = own(ERP=SystemDeclaration(title="ERP", url="https://erp.example"))
    landscape.use_addresses({"ERP": "http://127.0.0.1:1", "QMS": "http://127.0.0.1:2"})
    assert found(landscape, "ERP").url == "http://127.0.0.1:1"
    landscape.use_addresses({"QMS": "http://127.0.0.1:3"})
    assert (found(landscape, "ERP").url, found(landscape, "QMS").url) == ("https://erp.example", "http://127.0.0.1:3")


def test_what_is_given_is_copied() -> None:
    addresses = {"ERP": "http://one"}
    landscape = Landscape(CATALOGUE)
    landscape.use_addresses(addresses)
    addresses["ERP"] = "http://two"
    assert found(landscape, "ERP").url == "http://one"


def test_paths() -> None:
    landscape = own(
        ERP=SystemDeclaration(title="ERP", url="http://erp", deliver="/in/{flow}/x", lookup="/ask?key={key}"),
        EDI=SystemDeclaration(title="EDI", url="http://edi", lookup=""),
    )
    erp, edi = found(landscape, "ERP"), found(landscape, "EDI")
    assert erp.deliver_url("labor-time") == "http://erp/in/labor-time/x"
    assert erp.lookup_url("MES%2FP01%3A1") == "http://erp/ask?key=MES%2FP01%3A1"
    assert (erp.asks, edi.asks) == (True, False)
    assert found(simulated(), "ERP").deliver_url("labor-time").endswith("/documents/labor-time")
    assert found(simulated(), "ERP").lookup_url("k").endswith("/postings/k")


def test_what_is_not_declared_any_more() -> None:
    landscape = simulated()
    assert landscape.endpoint("SAP", "P01") is None
    assert landscape.flow("no-such-flow") is None
    assert landscape.instance("SAP", "P01") == ("SAP", None)
    assert landscape.flow("labor-time") == CATALOGUE.flow["labor-time"]


@pytest.mark.parametrize("name", sorted(CATALOGUE.flow))
def test_targets_with_and_without_a_plant(name: str) -> None:
    landscape, flow = simulated(), CATALOGUE.flow[name]
    assert landscape.targets(flow, "P01") == flow.targets
    local = [target for target in flow.targets if CATALOGUE.system[target].local]
    if not local:
        assert landscape.targets(flow, None) == flow.targets
        return
    with pytest.raises(Invalid) as caught:
        landscape.targets(flow, None)
    assert all(target in caught.value.detail for target in local)
    assert "--plant): P01, P02, P03." in caught.value.detail


@pytest.mark.parametrize("wanted", list(Verify))
@pytest.mark.parametrize("target", ["ERP", "EDI"])
def test_a_lookup_falls_back_to_the_answer_where_none_can_be_asked(wanted: Verify, target: str) -> None:
    flow = msgspec.structs.replace(CATALOGUE.flow["labor-time"], verify=wanted)
    landscape = simulated()
    falls_back = wanted is Verify.LOOKUP and target == "EDI"
    assert landscape.verify(flow, found(landscape, target)) is (Verify.ACK if falls_back else wanted)
    assert landscape.verify(None, found(landscape, target)) is Verify.ACK


def test_a_target_without_an_address_cannot_be_asked_either() -> None:
    landscape = Landscape(CATALOGUE)
    assert landscape.verify(CATALOGUE.flow["labor-time"], found(landscape, "ERP")) is Verify.ACK
