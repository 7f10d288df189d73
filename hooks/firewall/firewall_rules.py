"""Rules that let through to a VM's NICs what its property names, in an nftables table of the VM's own.

The NICs' taps get names that follow from VM and MAC address, so the rules stand before the VM runs, and on every host that
it comes to: a VM whose rules cannot be set does not run.
"""

import hashlib
import ipaddress
import os
import re

import hooking

NFT = "/usr/sbin/nft"
ITEM = re.compile(r"(tcp|udp|icmp|all)(?:/([0-9]{1,5})(?:-([0-9]{1,5}))?)?(?:@([0-9a-fA-F.:]+(?:/[0-9]{1,3})?))?")
# What a guest always gets: address resolution, and answers to TCP connections and DHCP requests of its own.
ALWAYS = (
    "ether type arp accept",
    "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept",
    "tcp flags & (syn | ack) != syn accept",
    "udp sport 67 udp dport 68 accept",
    "udp sport 547 udp dport 546 accept",
)


def rule(text):
    """The rules for one item of the property; ValueError says what is wrong with it."""
    found = ITEM.fullmatch(text)
    if found is None:
        raise ValueError("%r does not read PROTOCOL[/PORT[-PORT]][@NETWORK]" % text)
    protocol, first, last, network = found.groups()
    words = []
    version = None
    if network:
        parsed = ipaddress.ip_network(network, strict=False)
        version = parsed.version
        words.append("%s saddr %s" % ("ip" if version == 4 else "ip6", parsed))
    if first:
        if protocol not in ("tcp", "udp"):
            raise ValueError("%r: only tcp and udp have ports" % text)
        ports = [int(p) for p in (first, last or first)]
        if not 0 < ports[0] <= ports[1] < 65536:
            raise ValueError("%r: no such ports" % text)
        words.append("%s dport %d-%d" % (protocol, *ports) if last else "%s dport %d" % (protocol, ports[0]))
    elif protocol in ("tcp", "udp"):
        words.append("meta l4proto %s" % protocol)
    elif protocol == "icmp":
        if version == 4:
            words.append("ip protocol icmp")
        elif version == 6:
            words.append("ip6 nexthdr icmpv6")
        else:
            return ["ip protocol icmp accept", "ip6 nexthdr icmpv6 accept"]
    return [" ".join([*words, "accept"])]


def rules(text):
    """All rules of a property, `none` for nothing but what is always let through."""
    found = list(ALWAYS)
    for item in text.split(","):
        if item.strip() != "none":
            found += rule(item.strip())
    return found


def tap(vm_id, mac):
    """The name of a NIC's tap."""
    return "fw" + hashlib.sha256(("%s %s" % (vm_id, mac.lower())).encode()).hexdigest()[:12]


def table(vm_id):
    """The VM's table."""
    if not re.fullmatch("[0-9a-fA-F-]+", vm_id):
        raise ValueError("%r is no VM's id" % vm_id)
    return "bridge ovis_vm_" + vm_id.replace("-", "_")


def whole(vm_id, text, taps):
    """What nft is given for a VM: its old table goes and its new one comes in one step."""
    name = table(vm_id)
    elements = "elements = { %s } " % ", ".join('"%s"' % each for each in taps) if taps else ""
    lines = ["add table %s" % name, "delete table %s" % name, "table %s {" % name]
    lines += ["set taps { type ifname ; %s}" % elements, "chain guest {", *rules(text), "drop", "}"]
    for hook in ("forward", "output"):
        lines += ["chain %s {" % hook, "type filter hook %s priority 0 ; policy accept ;" % hook]
        lines += ["oifname @taps jump guest", "}"]
    return "\n".join([*lines, "}", ""])


def nft(script):
    """Hand it to nft; the hook fails with nft's words."""
    status, _, err = hooking.execCmd([NFT, "-f", "-"], sudo=True, data=script.encode(), raw=True)
    if status:
        hooking.exit_hook("firewall: nft failed: %s" % bytes(err).decode(errors="replace").strip())


def named(document, vm_id):
    """Names of the taps of all NICs on bridges, written into the document."""
    found = []
    for interface in document.getElementsByTagName("interface"):
        macs = interface.getElementsByTagName("mac")
        if not macs or interface.getAttribute("type") not in ("bridge", "network"):
            continue
        name = tap(vm_id, macs[0].getAttribute("address"))
        for old in interface.getElementsByTagName("target"):
            interface.removeChild(old)
        target = document.createElement("target")
        target.setAttribute("dev", name)
        interface.appendChild(target)
        found.append(name)
    return found


def put():
    """Before a VM runs here: name its taps, set its rules."""
    text, vm_id = os.environ.get("firewall"), os.environ["vmId"]
    if not text:
        return
    document = hooking.read_domxml()
    try:
        script = whole(vm_id, text, named(document, vm_id))
    except ValueError as err:
        hooking.exit_hook("firewall: %s" % err)
    nft(script)
    hooking.write_domxml(document)


def plug():
    """Before a NIC is plugged: its tap joins the others."""
    text, vm_id = os.environ.get("firewall"), os.environ["vmId"]
    if not text:
        return
    document = hooking.read_domxml()
    for name in named(document, vm_id):
        nft('add element %s taps { "%s" }\n' % (table(vm_id), name))
    hooking.write_domxml(document)


def drop():
    """The VM is not here any more."""
    if not os.environ.get("firewall"):
        return
    name = table(os.environ["vmId"])
    nft("add table %s\ndelete table %s\n" % (name, name))
