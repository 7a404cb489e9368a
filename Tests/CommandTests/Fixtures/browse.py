"""Opens a report in Chromium: structure, search, no request to a network, no error in the console."""
import sys
from playwright.sync_api import sync_playwright

with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
    page = browser.new_page()
    faults, requests = [], []
    page.on("console", lambda message: message.type == "error" and faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto("file://" + sys.argv[1])
    rows = page.locator("#all tbody tr")
    total = rows.count()
    page.get_by_label("Search results").fill("privileged fail")
    shown = page.locator("#all tbody tr:visible").count()
    checks = {
        "rows": total > 400,
        "search": 0 < shown < total,
        "one h1": page.locator("h1").count() == 1,
        "language": page.locator("html").get_attribute("lang") == "en",
        "tables have captions": page.locator("table").count() == page.locator("table > caption").count(),
        "header cells have scopes": page.locator("th:not([scope])").count() == 0,
        "chart has a name": page.get_by_role("img", name="Bands of the score").count() == 1,
        "no network": requests == ["file://" + sys.argv[1]],
        "no errors": faults == [],
    }
    browser.close()
failed = [name for name, good in checks.items() if not good]
print("failed:", failed, faults, requests[1:3]) if failed else print("ok")
sys.exit(1 if failed else 0)
