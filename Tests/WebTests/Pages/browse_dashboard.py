"""Uses the dashboard in Chromium as two people would: from the score to a proof, and an exception by two.

Usage: browse_dashboard.py URL CODE-OF-AN-EDITOR CODE-OF-AN-ADMINISTRATOR [FOLDER-FOR-SCREENSHOTS]"""
import pathlib
import sys

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

url, editor_code, administrator_code = sys.argv[1:4]
folder = pathlib.Path(sys.argv[4]) if len(sys.argv) > 4 and sys.argv[4] else None
faults = []


def check(holds, what):
    if not holds:
        faults.append(what)


def sign_in(browser, code):
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.on("console", lambda message: message.type == "error" and "status of 4" not in message.text and faults.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    page.on("request", lambda request: check(request.url.startswith((url, "data:")), f"foreign request: {request.url}"))
    page.goto(f"{url}/?code={code.replace('+', '%2B')}")
    check("code=" not in page.url, "the code stays in the address")
    page.get_by_role("button", name="Sign in", exact=True).click()
    check(page.title().startswith("Home"), f"signing in leads to {page.title()}")
    return page


def accessible(page, name):
    found = Axe().run(page).response["violations"]
    for violation in found:
        if violation["impact"] in ("serious", "critical"):
            nodes = "; ".join(node["html"][:160] + " " + (node.get("failureSummary") or "")[:200] for node in violation["nodes"][:3])
            faults.append(f"axe on {name}: {violation['id']}: {nodes}")
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    check(wide <= 0, f"{name} is {wide} px wider than its window")


def look(page, path, name):
    """A page in both themes and two widths."""
    page.goto(url + path)
    for scheme in ("light", "dark"):
        for width in (1280, 390):
            # Each theme and each width once; the rest is for people's eyes.
            if not folder and (scheme == "dark") != (width == 390):
                continue
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.set_viewport_size({"width": width, "height": 900})
            accessible(page, f"{name} {scheme} {width}")
            if folder:
                page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)


with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
    page = sign_in(browser, editor_code)

    # From the score to the proof of a failure: two clicks.
    page.get_by_role("link", name="All failures").click()
    page.locator("#results tbody tr th a").first.click()
    result = page.url
    check(page.get_by_role("heading", name="Proof", exact=True).count() == 1, "two clicks lead to no proof")
    check(page.locator("ol.lines li.hit").count() > 0, "no line of the configuration is marked")
    page.get_by_role("button", name="Recheck now").click()
    check("Judged again" in page.get_by_role("status").inner_text(), "nothing is said after a recheck")

    # Keyboard: the first stop leads past the navigation.
    page.goto(url)
    page.keyboard.press("Tab")
    check(page.evaluate("document.activeElement.textContent") == "Skip to content", "the first stop is no way past")

    # The theme is kept.
    page.get_by_role("button", name="Theme: system").click()
    check(page.locator("html[data-theme=dark]").count() == 1, "the theme did not change")
    page.goto(url + "/results")
    check(page.locator("html[data-theme=dark]").count() == 1, "the theme is not kept")

    # The filter changes the rows, with and without the script.
    page.locator("summary", has_text="Filter").click()
    page.get_by_label("fail", exact=True).check()
    page.get_by_role("button", name="Show", exact=True).last.click()
    page.wait_for_url("**verdict=fail**")
    page.wait_for_load_state("networkidle")
    verdicts = set(page.locator("#results tbody tr td:first-child .verdict").all_inner_texts())
    check(verdicts == {"fail"}, f"the filter shows {verdicts}")

    # An exception, requested by one and approved by another.
    page.goto(result)
    page.get_by_role("link", name="Request exception").click()
    page.get_by_label("Owner").fill("Platform")
    page.get_by_label("Reason").fill("A copy without customer data")
    page.get_by_label("Done instead").fill("It is deleted each night")
    page.get_by_role("button", name="Request", exact=True).click()
    check("is requested" in page.get_by_role("status").inner_text(), "the request says nothing")
    exception = page.url.split("?")[0]
    check(page.get_by_role("button", name="Approve").count() == 0, "the requester is offered to approve")
    other = sign_in(browser, administrator_code)
    other.goto(exception)
    other.get_by_role("button", name="Approve").click()
    check("is approved" in other.get_by_role("status").inner_text(), "the approval says nothing")
    page.goto(result)
    check("This failure is accepted" in page.locator("main").inner_text(), "the result does not tell of its exception")

    # A rule that is written: what it comes to is told while it is typed, and its faults with their lines.
    page.goto(url + "/rules/new?kind=store/bucket&property=encrypted")
    box = page.get_by_label("Rule", exact=True)
    text = box.input_value().replace("own.name-of-the-rule", "own.written").replace("What is to hold, as a sentence", "Bucket is locked")
    box.fill(text.replace("is_true", "is_tru"))
    page.locator("#check .fault", has_text="line 7").first.wait_for()
    box.fill(text)
    page.locator("#check", has_text="Present resources: 2 judged").wait_for()
    page.get_by_role("button", name="Keep it").click()
    check("The rule is kept" in page.get_by_role("status").inner_text(), "a rule that is kept says nothing")

    # It is laid on everything, looked at, and goes up the ladder with a reason.
    page.get_by_role("link", name="Lay it on a scope").click()
    page.get_by_role("button", name="See what it would hold up").click()
    check(page.get_by_role("heading", name="Violators today").count() == 1, "laying shows no preview")
    page.get_by_role("button", name="Lay it", exact=True).click()
    check("guardrail is laid" in page.get_by_role("status").inner_text(), "laying says nothing")
    page.get_by_role("link", name="Violators today").click()
    page.get_by_label("Enforcement").select_option("disallow")
    page.get_by_role("button", name="Take the step").click()
    check("it has not warned before" in page.get_by_role("alert").inner_text(), "a step that is refused does not say why")
    page.get_by_label("Reason").fill("The board wants it")
    page.get_by_role("button", name="Take the step").click()
    check("another step" in page.get_by_role("status").inner_text(), "a step says nothing")
    check("disallow" in page.get_by_label("Facts").inner_text(), "the step is not taken")
    page.goto(result)
    check("Would a guardrail have stopped this?" in page.locator("main").inner_text(), "a result does not tell of guardrails")

    # Every main page for everybody's eyes and tools.
    state = other.context.storage_state()
    state["cookies"] = [cookie for cookie in state["cookies"] if cookie["name"] == "plumb"]
    place = result.removeprefix(url).split("?")[0]
    looking = browser.new_context(storage_state=state).new_page()
    for path, name in [
        ("/", "home"), ("/?period=30d", "home-30d"), ("/results?verdict=fail", "results"), ("/results?view=resources", "results-by-resource"),
        ("/results?view=controls", "results-by-control"), ("/results?view=rules", "results-by-rule"), ("/results?view=tree", "results-tree"),
        ("/results/changes?period=30d", "changes"), (place, "result"), ("/resources/" + place.split("/")[2], "resource"),
        ("/exceptions", "exceptions"), ("/exceptions?view=report", "exceptions-report"), ("/exceptions/new", "exception-form"),
        (exception.removeprefix(url), "exception"), ("/nowhere", "not-found"),
        ("/resources", "resources"), ("/profiles", "profiles"), ("/profiles/house", "profile"), ("/profiles/own@1/comparison?with=own@2", "profile-comparison"),
        ("/profiles/new?goal=test.bucket.kept&q=bucket", "profile-form"), ("/attestations", "attestations"), ("/attestations/new?profile=house&control=2", "attestation-form"),
        ("/attestations/1", "attestation"), ("/rules", "rules"), ("/rules/test.bucket.kept", "rule"), ("/scopes", "scopes"), ("/scopes/own-scope", "scope"),
        ("/scopes/new", "scope-form"), ("/attachments", "attachments"), ("/attachments/1", "attachment"), ("/attachments/new", "attachment-form"), ("/scans", "scans"),
        ("/scans/1", "scan"), ("/jobs", "jobs"), ("/jobs/1", "job"), ("/coverage", "coverage"), ("/credentials", "credentials"), ("/credentials/audit", "credential"),
        ("/collectors", "collectors"), ("/collectors/1", "collector"), ("/access", "access"), ("/access/people/1", "person"), ("/access/keys", "keys"), ("/audit", "audit"),
        ("/resources/" + place.split("/")[2] + "?view=relations", "relations"), ("/resources/" + place.split("/")[2] + "?view=access", "reach"),
        ("/guardrails", "guardrails"), ("/guardrails/1", "guardrail"), ("/guardrails/2?view=violators", "violators"), ("/guardrails/new", "guardrail-form"),
        ("/guardrails/1?view=replay", "replay"), ("/enforcement", "enforcement"), ("/decisions", "decisions"), ("/decisions/1", "decision"),
        ("/templates", "templates"), ("/templates/own.template", "template"), ("/templates/new", "template-form"), ("/properties", "property-kinds"),
        ("/properties?kind=store/bucket", "properties"), ("/rules/own.rule", "own-rule"), ("/rules/own.rule/edit", "rule-form"),
        ("/findings", "findings"), ("/findings/1", "finding"), ("/conversations", "conversations"), ("/conversations?direction=inbound", "conversations-inbound"),
        ("/alerts", "alerts"), ("/alerts?state=dead", "alerts-dead"), ("/channels", "channels"), ("/channels/1", "channel"),
    ]:
        look(looking, path, name)
    looking.context.clear_cookies()
    look(looking, "/sign-in", "sign-in")

    # And all of it without a script.
    plain = browser.new_context(java_script_enabled=False, storage_state=state).new_page()
    plain.goto(url + "/results")
    plain.locator("summary", has_text="Filter").click()
    plain.get_by_label("fail", exact=True).check()
    plain.get_by_role("button", name="Show", exact=True).last.click()
    check("verdict=fail" in plain.url, "the filter does nothing without a script")
    browser.close()
print("\n".join(faults) if faults else "ok")
sys.exit(1 if faults else 0)
