// Why a frame is not forwarded, in a sentence with the cure: what `explain` says of a refusal's name.
import type { RefusalName } from "../relay/counters.ts";

export const refusalWords: Record<RefusalName, string> = {
  not_ipv4: "it is not IPv4",
  vlan: "it carries a VLAN tag: a rule on the VLAN's own interface (such as eth0.600) would take it",
  own_transmission: "this machine sent it itself",
  truncated: "it was captured shorter than its headers say",
  ip_header: "its IP header is malformed",
  ip_checksum: "the checksum of its IP header is wrong: it was damaged on the way",
  fragment: "it is a fragment whose other parts did not come, so the kernel could not put it together",
  protocol: "it is neither UDP nor ESP",
  udp_length: "its UDP length disagrees with its IP length",
  udp_checksum:
    "its UDP checksum is wrong: it was damaged on the way, or captured where its sender had not filled it in",
  super_frame:
    "it is a super-frame of a kind that cannot be taken apart; turn GRO off on the link (ethtool -K LINK gro off)",
  large_slots_full: "it outgrows a capture slot, and all large slots were in use",
  other_host: "its Ethernet address is another host's; only because the link is promiscuous is it seen here",
};
