"""The entry point of the API: links, product, special objects, summary.

Follows: API facts, section 5.3; `summary` is left out for ordinary users.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from ovis.engine.declare.call import Call
from ovis.engine.declare.ids import BLANK_TEMPLATE, ROOT_TAG
from ovis.engine.declare.resource import Resource
from ovis.engine.http.messages import Answer
from ovis.engine.model.types import (
    Api,
    ApiSummary,
    ApiSummaryItem,
    ProductInfo,
    SpecialObjects,
    Tag,
    Template,
    User,
    Version,
)
from ovis.engine.store.session import Reader
from ovis.engine.wire.codecs import CONTENT_TYPES, Codecs, Format
from ovis.engine.wire.layout import collection_name

VERSION = (4, 5, 6, 0)
FULL_VERSION = "4.5.6-1.ovis"
_RUNNING = ("down", "suspended", "image_locked", "unassigned")


class Entry:
    """Answers GET and HEAD of the root."""

    def __init__(self, resources: Sequence[Resource], codecs: Codecs, instance_id: str) -> None:
        self._resources = resources
        self._codecs = codecs
        self._instance_id = instance_id

    def links(self, call: Call) -> list[tuple[str, str]]:
        """(rel, href) of collections and their searches."""
        found: list[tuple[str, str]] = [("capabilities", f"{call.base}/capabilities")] if call.dialect == 3 else []
        searches = []
        for resource in self._resources:
            name = collection_name(resource, call.dialect)
            if not name or not resource.link or name == "capabilities":
                continue
            href = f"{call.base}/{name}"
            found.append((name, href))
            if resource.search is not None:
                start = ";from={event_id}" if name == "events" else ""
                searches.append((f"{name}/search", f"{href}{start}?search={{query}}"))
        return found + searches

    def answer(self, rd: Reader, call: Call, fmt: Format) -> Answer:
        """The document and its Link header."""
        everything = call.principal.administrator and not call.filtered
        api = Api(
            product_info=ProductInfo(
                name="oVirt Engine",
                vendor="ovirt.org",
                instance_id=self._instance_id if call.dialect == 4 else None,
                version=Version(
                    major=VERSION[0], minor=VERSION[1], build=VERSION[2], revision=VERSION[3], full_version=FULL_VERSION
                ),
            ),
            special_objects=SpecialObjects(blank_template=Template(id=BLANK_TEMPLATE), root_tag=Tag(id=ROOT_TAG)),
            summary=summary(rd) if everything else None,
            time=call.now,
            authenticated_user=User(id=call.principal.user_id) if call.dialect == 4 else None,
            effective_user=User(id=call.principal.user_id) if call.dialect == 4 else None,
        )
        links = self.links(call)
        body = self._codecs.root(api, links, fmt=fmt, dialect=call.dialect, base=call.base)
        header = ", ".join(f"<{call.origin}{href}>; rel={rel}" for rel, href in links)
        return Answer(200, body, CONTENT_TYPES[fmt], [("Link", header)])


def summary(rd: Reader) -> ApiSummary:
    """Counts of hosts, storage domains, users and VMs."""

    def item(table: str, active: Any) -> ApiSummaryItem:
        sql = rd.schema.sql.get(table)
        if sql is None:
            return ApiSummaryItem(active=0, total=0)
        total = rd.rows(sa.select(sa.func.count()).select_from(sql))[0][0]
        live = rd.rows(sa.select(sa.func.count()).select_from(sql).where(active(sql)))[0][0]
        return ApiSummaryItem(active=live, total=total)

    return ApiSummary(
        hosts=item("hosts", lambda t: t.c.status == "up"),
        storage_domains=item(
            "storage_domains",
            lambda t: t.c.id.in_(
                sa.select(rd.schema.sql["storage_domain_attachments"].c.storage_domain_id).where(
                    rd.schema.sql["storage_domain_attachments"].c.status == "active"
                )
            ),
        ),
        users=item("users", lambda t: sa.true()),
        vms=item("vms", lambda t: t.c.status.not_in(_RUNNING)),
    )
