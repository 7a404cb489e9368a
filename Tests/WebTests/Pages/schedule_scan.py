"""Sets a server up in Chromium: a credential, a profile of one's own, a schedule, and a scan that is watched.

Usage: schedule_scan.py URL CODE ACCOUNT ENDPOINT [FOLDER-FOR-SCREENSHOTS]"""
import pathlib
import sys

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

url, code, account, endpoint = sys.argv[1:5]
folder = pathlib.Path(sys.argv[5]) if len(sys.argv) > 5 and sys.argv[5] else None
faults = []


def check(holds, what):
    if not holds:
        faults.append(what)


def look(page, name):
    for violation in Axe().run(page).response["violations"]:
        if violation["impact"] in ("serious", "critical"):
            faults.append(f"axe on {name}: {violation['id']}: {violation['nodes'][0]['html'][:200]}")
    if folder:
        page.screenshot(path=folder / f"{name}.png", full_page=True)


with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.on("console", lambda message: message.type == "error" and faults.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    page.goto(f"{url}/?code={code.replace('+', '%2B')}")
    page.get_by_role("button", name="Sign in", exact=True).click()
    look(page, "first-run")

    # What scans sign in with.
    page.goto(url + "/credentials")
    page.get_by_label("Name", exact=True).fill("audit")
    page.get_by_label("Account", exact=True).fill(account)
    page.get_by_label("Access key id").fill("AKIATEST")
    page.get_by_label("Region").fill("us-east-1")
    page.get_by_label("Endpoint").fill(endpoint)
    page.get_by_label("Secret", exact=True).fill("s3cret-of-the-test")
    page.get_by_role("button", name="Keep", exact=True).click()
    check("is kept" in page.get_by_role("status").inner_text(), "keeping a credential says nothing")
    page.get_by_role("button", name="Test now").click()
    check("accepted" in page.locator("dl.facts").inner_text(), "the test is not told of")
    check("s3cret" not in page.content(), "the secret stands in the page")
    look(page, "credential")

    # A profile of one's own, of two rules, one with a parameter.
    page.goto(url + "/profiles")
    page.get_by_role("link", name="Build a profile").click()
    page.get_by_label("Words").fill("bucket")
    page.get_by_label("Provider").fill("aws")
    page.get_by_role("button", name="Search").click()
    boxes = page.locator(".picks input[type=checkbox]")
    check(boxes.count() >= 2, "no rule is found")
    boxes.nth(0).check()
    boxes.nth(1).check()
    page.get_by_role("button", name="Add those").click()
    check(page.locator("fieldset.goal").count() == 2, "the rules are not added")
    page.get_by_label("Title", exact=True).fill("House rules")
    page.get_by_label("Id", exact=True).fill("house-rules")
    page.get_by_label("Controls that people attest").fill("P-1: Somebody looks at the buckets each year")
    look(page, "profile-form")
    page.get_by_role("button", name="Keep the profile").click()
    check("is kept" in page.get_by_role("status").inner_text(), f"the profile is not kept: {page.locator('main').inner_text()[:300]}")
    look(page, "profile")

    # A manual control is attested with a file.
    page.get_by_role("link", name="Attest it").click()
    page.get_by_label("What is attested").fill("Ada looked at them")
    page.get_by_label("Evidence").set_input_files({"name": "minutes.txt", "mimeType": "text/plain", "buffer": b"seen on Monday"})
    page.get_by_role("button", name="Attest", exact=True).click()
    check("is kept" in page.get_by_role("status").inner_text(), f"the attestation is not kept: {page.locator('main').inner_text()[:300]}")
    check("minutes.txt" in page.locator("dl.facts").inner_text(), "the evidence is not named")
    check("somebody else has to approve" in page.locator("main").inner_text(), "who attests is offered to approve")

    # It is attached, and run now.
    page.goto(url + "/attachments/new?profile=house-rules")
    page.get_by_label("Cadence").select_option("every 6h")
    page.get_by_role("button", name="Attach", exact=True).click()
    check("every 6h" in page.locator("dl.facts").inner_text(), "the schedule is not told")
    look(page, "attachment")
    page.get_by_role("button", name="Run now").click()
    check("asked for" in page.get_by_role("status").inner_text(), "a run says nothing")
    page.locator("tbody th a").first.click()
    page.get_by_role("heading", level=1, name="Job ").wait_for()

    # Watched until it has ended, without a hand; it may be over before the page is there.
    if page.locator("[data-follow]").count():
        check(page.locator("[data-live]").is_visible(), "the job is not followed")
        look(page, "job-live")
        page.wait_for_selector("[data-follow]", state="detached", timeout=120_000)
    state = page.locator("dl.facts").first.inner_text()
    check("done" in state, f"the job came to: {state}")
    look(page, "job")
    page.get_by_role("link", name="scan 1", exact=True).click()
    check("What it came to" in page.locator("main").inner_text(), "the scan tells nothing")
    look(page, "scan")

    # Paused, and from the picture to the results.
    page.goto(url + "/attachments")
    page.locator("tbody th a").first.click()
    page.locator("summary", has_text="Pause its schedule").click()
    page.get_by_role("button", name="Pause", exact=True).click()
    check("paused" in page.locator("dl.facts").inner_text(), "the schedule is not paused")
    page.goto(url + "/scopes")
    check(page.locator("svg.relations a").count() >= 4, "the picture has no boxes")
    look(page, "scopes")
    page.goto(url + "/resources")
    first = page.locator(".facet a").first
    number = first.locator("xpath=following-sibling::span").inner_text()
    first.click()
    check(page.locator("caption").first.inner_text().startswith(f"{number} resource"), "a facet's number is not that of its rows")
    look(page, "resources")
    page.goto(url + "/audit?action=attachment.*")
    check("attachment.pause" in page.locator("tbody").inner_text(), "the pause is not in the log")
    look(page, "audit")
    page.goto(url)
    look(page, "home")
    browser.close()
print("\n".join(faults) if faults else "ok")
sys.exit(1 if faults else 0)
