"""The page in a real browser, while a recording plays into a virtual microphone."""

import json
import re
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from running_daemon import Running, running, say, write_settings
from virtual_sound import Pulse, beeps, write_wav

pytest.importorskip("pyaudio")
pytest.importorskip("aiohttp")
pytest.importorskip("selenium")

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

pytestmark = pytest.mark.slow

SETTINGS = """
[chime]
sound = "off"

[web]
port = 0

[clips]
folder = "clips"
seconds_before = 1.0
seconds_after = 0.5
"""
SECONDS = 120.0
AXE = "axe-core@4"
"""Deque's accessibility checker; npm fetches it once, and it is kept in pytest's cache."""


class Page:
    """A browser that shows the page."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def find(self, selector: str) -> Any:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[Any]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def until(self, condition: Any) -> Any:
        return WebDriverWait(self.driver, SECONDS, 0.1).until(lambda _: condition())

    def text(self, selector: str) -> str:
        return self.find(selector).text

    def script(self, text: str, *arguments: Any) -> Any:
        return self.driver.execute_script(text, *arguments)

    def level(self) -> float:
        return float(self.find("#level").get_attribute("aria-valuenow"))


@contextmanager
def browser(width: int = 1200, height: int = 900) -> Iterator[Page]:
    """Open Debian's chromium without a window, or skip the test."""
    chromium, driver_path = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver_path:
        pytest.skip("chromium is not installed (apt: chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for each in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--autoplay-policy=no-user-gesture-required",
        f"--window-size={width},{height}",
    ):
        options.add_argument(each)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, Service(driver_path))
    try:
        yield Page(driver)
    finally:
        driver.quit()


def address(daemon: Running) -> str:
    daemon.wait_for_log("the page is at")
    found = re.search(r"the page is at (\S+)", daemon.log)
    assert found
    return found[1]


@contextmanager
def shown(pulse: Pulse, settings: str = SETTINGS) -> Iterator[tuple[Page, Running]]:
    path = write_settings(pulse.folder, settings)
    with running(pulse.environment, "--settings", str(path)) as daemon:
        daemon.wait_for_log("listening to")
        with browser() as page:
            page.driver.get(address(daemon))
            page.until(lambda: "Listening" in page.text("#state"))
            yield page, daemon
            unwanted = [
                each for each in page.driver.get_log("browser") if each["level"] == "SEVERE"
            ]
            assert not unwanted
        assert daemon.end() == 0


def test_the_level_moves_the_word_is_heard_played_and_labelled(pulse: Pulse) -> None:
    with shown(pulse) as (page, daemon):
        assert page.level() == -80  # PulseAudio's silence is digital
        samples = beeps((0.5, 2.5), 4.0)
        player = pulse.play(write_wav(pulse.folder / "said.wav", samples))
        page.until(lambda: page.level() > -60)
        assert player.wait() == 0
        daemon.wait_for(lambda: len(daemon.events) >= 2)
        page.until(lambda: len(page.all(".entry")) >= 2)
        assert "Heard “beep”" in page.text("#announcement")
        row = page.find(".entry")
        number = row.get_attribute("data-id")
        row.find_element(By.CSS_SELECTOR, ".play").click()
        page.until(lambda: page.script("return document.body.dataset.played") == number)
        page.until(lambda: page.script("return document.querySelector('.picture').height") == 40)
        row.find_element(By.CSS_SELECTOR, ".right").click()
        page.until(
            lambda: (
                row.find_element(By.CSS_SELECTOR, ".right").get_attribute("aria-pressed") == "true"
            )
        )
        kept = list((pulse.folder / "clips").glob(f"beep/{int(number):06d}-*.json"))
        assert json.loads(kept[0].read_text())["verdict"] == "right"
        page.until(lambda: "1 of 1 words found" in page.text(".room"))


def test_the_slider_changes_what_is_detected_and_that_outlives_a_restart(pulse: Pulse) -> None:
    strict = SETTINGS.replace("[chime]", "threshold = 1.0\n\n[chime]")
    with shown(pulse, strict) as (page, daemon):
        say(pulse, 0.5, seconds=2.0)
        time.sleep(1.0)
        assert not daemon.events
        slider = page.find(".model input")
        assert slider.get_attribute("max") == "2"
        slider.send_keys(Keys.HOME)
        page.until(lambda: (pulse.folder / "site.state.json").exists())
        page.until(lambda: page.find(".reset").is_displayed())
        time.sleep(1.0)
        say(pulse, 0.5, seconds=2.0)
        daemon.wait_for(lambda: daemon.events)
    with shown(pulse, strict) as (page, daemon):
        assert page.find(".model input").get_attribute("value") == "0"
        say(pulse, 0.5, seconds=2.0)
        daemon.wait_for(lambda: daemon.events)
        page.find(".reset").click()
        page.until(lambda: page.find(".model input").get_attribute("value") == "2")
        time.sleep(1.0)
        before = len(daemon.events)
        say(pulse, 0.5, seconds=2.0)
        time.sleep(1.0)
        assert len(daemon.events) == before


def sources(pulse: Pulse) -> int:
    """Return how many programs record from the microphone."""
    outputs = pulse.control("list", "short", "source-outputs").splitlines()
    return sum("protocol-native" in each for each in outputs)


def test_mute_closes_the_microphone_and_stays_over_a_restart(pulse: Pulse) -> None:
    with shown(pulse) as (page, _):
        assert sources(pulse) == 1
        page.find("#mute").click()
        page.until(lambda: "Muted" in page.text("#state"))
        page.until(lambda: sources(pulse) == 0)
    path = pulse.folder / "site.toml"
    with running(pulse.environment, "--settings", str(path)) as daemon, browser() as page:
        page.driver.get(address(daemon))
        page.until(lambda: "Muted" in page.text("#state"))
        assert sources(pulse) == 0
        page.find("#mute").click()
        page.until(lambda: sources(pulse) == 1)
        say(pulse, 1.0, seconds=3.0)
        daemon.wait_for(lambda: daemon.events)


def test_everything_is_deleted(pulse: Pulse) -> None:
    with shown(pulse) as (page, _):
        say(pulse, 0.5, seconds=2.0)
        page.until(lambda: page.all(".entry"))
        page.find("#delete-everything").click()
        page.until(lambda: page.find("dialog [value=yes]").is_displayed())
        page.find("dialog [value=yes]").click()
        page.until(lambda: not page.all(".entry"))
        assert not [path for path in (pulse.folder / "clips").rglob("*") if path.is_file()]


def test_every_control_has_a_name_and_the_keyboard_reaches_it(pulse: Pulse) -> None:
    with shown(pulse) as (page, _):
        say(pulse, 0.5, seconds=2.0)
        page.until(lambda: page.all(".entry"))
        controls = "button, input, a[href], select"
        visible = [each for each in page.all(controls) if each.is_displayed() and each.is_enabled()]
        assert all(each.accessible_name for each in visible)
        reached = set()
        for _ in range(3 * len(visible)):
            page.driver.switch_to.active_element.send_keys(Keys.TAB)
            reached.add(page.driver.switch_to.active_element.id)
        assert {each.id for each in visible} <= reached


@pytest.fixture
def axe(request: pytest.FixtureRequest) -> str:
    """The checker's script."""
    folder = Path(request.config.cache.mkdir("axe-core"))
    if not list(folder.glob("*.tgz")):
        if not (npm := shutil.which("npm")):
            pytest.skip("npm is not installed (apt: npm)")
        command = [npm, "pack", AXE, "--silent", "--pack-destination", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode:
            pytest.skip(f"npm cannot fetch {AXE}: {done.stderr.strip()[-100:]}")
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        script = archive.extractfile("package/axe.min.js")
        assert script
        return script.read().decode()


def violations(page: Page, axe: str) -> list[str]:
    """Return what the checker finds serious, in light and in dark."""
    found = []
    page.driver.set_script_timeout(SECONDS)
    page.script(axe)
    for scheme in ("light", "dark"):
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        time.sleep(2.0)  # colours change gradually
        result = page.driver.execute_async_script("axe.run().then(arguments[0])")
        assert len(result["passes"]) > 10
        found += [
            f"{scheme}: {each['id']}: {node['html'][:80]} {node['failureSummary']}"
            for each in result["violations"]
            if each["impact"] in ("serious", "critical")
            for node in each["nodes"]
        ]
    return found


def test_the_accessibility_checker_finds_nothing_serious(pulse: Pulse, axe: str) -> None:
    with shown(pulse) as (page, _):
        assert not violations(page, axe)  # nothing has happened yet, and the microphone is silent
        say(pulse, 0.5, seconds=2.0)
        page.until(lambda: page.all(".entry"))
        page.find(".entry .right").click()
        page.until(lambda: page.all(".entry [aria-pressed=true]"))
        assert not violations(page, axe)
        page.find("#delete-everything").click()
        page.until(lambda: page.find("dialog [value=no]").is_displayed())
        assert not violations(page, axe)


def test_the_accessibility_checker_finds_nothing_serious_at_the_door(
    pulse: Pulse, axe: str
) -> None:
    password = pulse.folder / "web.password"
    password.write_text("token-of-thirty-two-characters-000")
    password.chmod(0o600)
    settings = SETTINGS.replace("port = 0", f'port = 0\ntoken_file = "{password}"')
    path = write_settings(pulse.folder, settings)
    with running(pulse.environment, "--settings", str(path)) as daemon, browser(400, 800) as page:
        page.driver.get(address(daemon))
        page.until(lambda: page.find("#password").is_displayed())
        assert not violations(page, axe)
