"""A folder of policies in which everything is right, to be spoilt in one place."""

from __future__ import annotations

from pathlib import Path

FILES = {
    "andon.toml": '[gateway]\nname = "plant-gateway"\n\n[issuer.plant-idp]\nurl = "https://idp.example/realms/plant"\n',
    "scopes.toml": '[scope."orders.release"]\nrisk = "operational"\n\n[scope."orders.read"]\n',
    "throttles.toml": '[throttle.plant-standard]\nrequests = 600\nper = "1m"\nburst = 100\n',
    "apis/orders.toml": (
        '[api]\nname = "orders"\nowner = "erp-integration"\nbase_path = "/erp/orders"\nupstream = "system:ERP"\n'
        'throttle = "plant-standard"\n\n[[version]]\nname = "v1"\nlifecycle = "deprecated"\nsuccessor = "v2"\n\n'
        "[[version.brownout]]\nfrom = 2027-02-01T06:00:00Z\nuntil = 2027-02-01T06:30:00Z\n\n"
        '[[version]]\nname = "v2"\n\n'
        '[[operation]]\nmethods = ["POST"]\npath = "/{order}/release"\n'
        'scope = "orders.release"\nversions = ["v1", "v2"]\n'
    ),
    "consumers/mes-p03.toml": (
        '[consumer]\nname = "mes-p03"\nowner = "plant-3-it"\nthrottle = "plant-standard"\n\n[consumer.credential]\n'
        'issuer = "plant-idp"\nclient_id = "mes-p03"\n\n[[grant]]\nscope = "orders.release"\nreason = "dispatches"\n'
    ),
}


def made(folder: Path) -> Path:
    """Write them all into a folder."""
    for file, text in FILES.items():
        put(folder, file, text)
    return folder


def put(folder: Path, file: str, text: str) -> Path:
    """Write a file, with the folders that it is in."""
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")
    return path
