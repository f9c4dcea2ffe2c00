"""The desk in Debian's Chromium: a server without an engine, an identity provider, one browser for the folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from pydantic import SecretStr
from selenium import webdriver
from selenium.webdriver.common.keys import Keys

from guard.targets.target import Draft
from serving.admin.app import create_admin
from serving.desk.app import WithDesk, create_desk
from tests.serving.access.issuer import LocalIssuer
from tests.serving.desk.conftest import KEY, Service

AXE = "axe-core@4.11.0"
WAIT_S = 20


class Serving:
    """An application that is served in a thread."""

    def __init__(self, app: Any, listener: socket.socket) -> None:
        self._listener = listener
        self._server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._listener.close()


class Site:
    """A running desk and the browser that looks at it."""

    def __init__(self, url: str, service: Service, driver: Any, screenshots: Path) -> None:
        self.url = url
        self.service = service
        self.driver = driver
        self.screenshots = screenshots

    def open(self, path: str) -> None:
        self.driver.get(self.url + path)

    def find(self, css: str) -> Any:
        return self.driver.find_element("css selector", css)

    def fill(self, css: str, text: str) -> None:
        field = self.find(css)
        field.clear()
        field.send_keys(text)

    def press(self, label: str) -> None:
        """Press the button with this label, and wait for the page that it leads to."""
        self.driver.find_element("xpath", f"//button[normalize-space()='{label}']").click()

    def open_details(self, label: str) -> None:
        self.driver.find_element("xpath", f"//summary[normalize-space()='{label}']").click()

    def wait_for(self, text: str) -> None:
        end = time.monotonic() + WAIT_S
        while text not in (shown := self.text()):
            assert time.monotonic() < end, shown
            time.sleep(0.05)

    def text(self) -> str:
        """Return what the page shows; empty while it is loaded."""
        return str(self.driver.execute_script("return document.querySelector('main')?.innerText ?? ''"))

    def sign_in(self) -> None:
        """Sign in with the key, unless somebody is signed in."""
        self.open("/ui")
        if "/sign-in" in self.driver.current_url:
            self.fill("#key", KEY + Keys.ENTER)
            self.wait_for("Enforced policy version")

    def scheme(self, name: str) -> None:
        """Have the browser prefer light or dark."""
        features = [{"name": "prefers-color-scheme", "value": name}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def port(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def added(site: Site, name: str, **more: Any) -> str:
    return site.service.registry.add(Draft(name=name, **more)).id


@pytest.fixture(autouse=True)
def no_violation_of_the_policy(site: Site) -> Iterator[None]:
    """Fail a test in which the browser reports a violation of the content security policy or a broken script."""
    yield
    told = [entry["message"] for entry in site.driver.get_log("browser")]
    assert [message for message in told if "Content Security Policy" in message or "Uncaught" in message] == []


@pytest.fixture
def signed_in(site: Site) -> Site:
    site.sign_in()
    return site


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("needs Debian's chromium and chromium-driver: apt-get install chromium chromium-driver")
    service = Service(tmp_path_factory.mktemp("desk"))
    key = SecretStr(KEY)
    listener, provider = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
    # To a browser this is another site than 127.0.0.1.
    issuer = LocalIssuer(f"http://localhost:{port(provider)}", f"http://127.0.0.1:{port(listener)}/ui")
    flow = issuer.flow(local=False)
    desk = create_desk(service, key, idle_s=600, max_body_bytes=2**20, provider=flow)  # type: ignore[arg-type]
    app = WithDesk(create_admin(service, key), desk)  # type: ignore[arg-type]
    servers = [Serving(app, listener), Serving(issuer.app(), provider)]
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--window-size=1200,1600",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    downloads = tmp_path_factory.mktemp("downloads")
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    screenshots = Path(os.environ.get("DESK_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    screenshots.mkdir(parents=True, exist_ok=True)
    found = Site(f"http://127.0.0.1:{port(listener)}", service, browser, screenshots)
    try:
        yield found
    finally:
        browser.quit()
        for server in servers:
            server.stop()
        service.registry.close()


@pytest.fixture(scope="package")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script of axe-core, fetched by npm: it is vendored nowhere."""
    folder = tmp_path_factory.mktemp("axe")
    if not shutil.which("npm"):
        pytest.skip("needs npm, which fetches axe-core")
    fetched = subprocess.run(
        ["npm", "pack", "--silent", AXE], cwd=folder, capture_output=True, timeout=60, check=False
    )
    if fetched.returncode:
        pytest.skip("npm cannot fetch axe-core")
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        member = archive.extractfile("package/axe.min.js")
        assert member
        return member.read().decode()
