"""Pictures of the web admin's main views, light and dark, wide and narrow, to be looked at.

python webadmin/tools/shots.py URL USER PASSWORD_FILE FOLDER [VIEW ...]
"""

import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

VIEWS = {
    "vms": "#vms",
    "dataCenters": "#dataCenters",
    "clusters": "#clusters",
    "hosts": "#hosts",
    "networks": "#networks",
    "storage": "#storage",
    "disks": "#disks",
    "pools": "#pools",
    "templates": "#templates",
    "users": "#users",
    "events": "#events",
    "dashboard": "#dashboard",
    "topology": "#topology",
    "portal": "../web-ui/#vms",
}
SIZES = {"wide": (1440, 900), "narrow": (390, 844)}


def sign_in(page: Page, url: str, user: str, password: str) -> None:
    """Sign in at a fresh page."""
    page.goto(url)
    page.get_by_label("User name").fill(user.partition("@")[0])
    page.get_by_role("textbox", name="Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="User menu").or_(page.get_by_label("Menu")).first.wait_for()


def main(url: str, user: str, password_file: str, folder: str, *views: str) -> int:
    """Entry."""
    password = Path(password_file).read_text(encoding="utf-8").strip()
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    complaints: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for size, (width, height) in SIZES.items():
            for theme in ("light", "dark"):
                context = browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme=theme, ignore_https_errors=True
                )
                page = context.new_page()
                page.on(
                    "console",
                    lambda said: complaints.append(f"{said.text} {said.location}") if said.type == "error" else None,
                )
                page.on("pageerror", lambda error: complaints.append(str(error)))
                page.goto(url)
                page.get_by_role("button", name="Log in").wait_for()
                if not views:
                    page.screenshot(path=str(out / f"sign-in-{size}-{theme}.png"))
                sign_in(page, url, user, password)
                for view in views or VIEWS:
                    page.goto(url + VIEWS.get(view, "#" + view))
                    page.wait_for_timeout(900)
                    row = page.locator("[role=grid] [data-index]").first
                    if row.count() and size == "wide":
                        row.click(position={"x": 300, "y": 10})
                        page.wait_for_timeout(500)
                    name = view.replace(";", "_").replace("=", "_")[:60]
                    page.screenshot(path=str(out / f"{name}-{size}-{theme}.png"))
                context.close()
        browser.close()
    print("\n".join(dict.fromkeys(complaints)) or "no errors in the console")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
