// The sections for routing protocols: pim, igmp, msdp, control_plane. Texts and defaults of INTEROP.md section 3.
import { z } from "zod";
import { isMulticast, isUnicast, parseIpv4 } from "../base/ipv4.ts";
import { claim, found, linkNameProblem, list, objectError, text, whole, wrongType } from "../rules/fields.ts";
import { inputLinkProblem } from "../rules/range-fields.ts";

/** Generous: no router has more of any of these. */
const entriesMax = 4096;
const secondsMax = 0xffff_ffff;
const seconds = whole("a number of seconds", 0, secondsMax);

function complain(context: z.core.ParsePayload, message: string): void {
  context.issues.push({ code: "custom", message, input: context.value });
}

/** A link's name, with MCR's wording for the file. Complaints that begin with "invalid" stand by themselves. */
export const link = z.string({ error: wrongType("the name of a network interface") }).check((context) => {
  const problem = linkNameProblem(context.value);
  if (problem !== undefined) {
    complain(context, `invalid interface name ${found(context.value)}: ${problem}`);
  }
});

/** The link of a rule's input, or the links whose names begin alike. */
export const inputLink = z.string({ error: wrongType("the name of a network interface") }).check((context) => {
  const problem = inputLinkProblem(context.value);
  if (problem !== undefined) {
    complain(context, `invalid interface name ${found(context.value)}: ${problem}`);
  }
});

function unicast(section: string, field: string) {
  return z.string({ error: wrongType("an IPv4 address") }).check((context) => {
    const address = parseIpv4(context.value);
    if (address === undefined || !isUnicast(address)) {
      complain(
        context,
        `invalid ${section} configuration: ${field} must be a valid unicast address, got ${found(context.value)}`,
      );
    }
  });
}

/** `239.0.0.0/8`, or an address alone, which means /32. */
const groupPrefix = z.string({ error: wrongType("a group prefix such as 239.0.0.0/8") }).check((context) => {
  const [group = "", length = "32", ...more] = context.value.split("/");
  const address = parseIpv4(group);
  const isLength = /^[0-9]{1,2}$/.test(length) && Number(length) <= 32;
  if (address === undefined || !isMulticast(address) || !isLength || more.length > 0) {
    complain(context, `invalid group prefix ${found(context.value)}: it must be multicast, such as 239.0.0.0/8`);
  }
});

/** The first value that stands twice. */
function twice(values: string[]): string | undefined {
  return values.find((value, index) => values.indexOf(value) !== index);
}

const pim = z
  .object(
    {
      enabled: claim.nullish(),
      router_id: unicast("PIM", "router_id").nullish(),
      rp_address: unicast("PIM", "rp_address").nullish(),
      interfaces: list(
        z.object(
          { name: link, dr_priority: whole("a priority", 0, 0xffff_ffff).nullish(), hello_period: seconds.nullish() },
          objectError,
        ),
        "interfaces",
        entriesMax,
      ).nullish(),
      static_rp: list(
        z.object({ group: groupPrefix, rp: unicast("PIM", "rp") }, objectError),
        "static RPs",
        entriesMax,
      ).nullish(),
    },
    objectError,
  )
  .check((context) => {
    const name = twice((context.value.interfaces ?? []).map((entry) => entry.name));
    if (name !== undefined) {
      complain(context, `invalid PIM configuration: interface '${name}' is listed twice`);
    }
  });

const igmp = z
  .object(
    {
      querier_interfaces: list(link, "interfaces", entriesMax).nullish(),
      query_interval: seconds.nullish(),
      robustness: whole("a robustness value", 0, 255).nullish(),
      query_response_interval: seconds.nullish(),
    },
    objectError,
  )
  .check((context) => {
    const { query_interval, robustness, query_response_interval } = context.value;
    const interval = query_interval ?? 125;
    if (interval === 0) {
      complain(context, "invalid IGMP configuration: query_interval must be greater than 0");
    } else if (robustness === 0) {
      complain(context, "invalid IGMP configuration: robustness must be greater than 0");
    } else if ((query_response_interval ?? 10) >= interval) {
      complain(context, "invalid IGMP configuration: query_response_interval must be less than query_interval");
    }
  });

const msdp = z
  .object(
    {
      enabled: claim.nullish(),
      local_address: unicast("MSDP", "local_address").nullish(),
      peers: list(
        z.object(
          {
            address: unicast("MSDP", "peer address"),
            description: text("a description", 1024).nullish(),
            mesh_group: text("a mesh group", 64)
              .min(1, "invalid MSDP configuration: mesh_group must have 1 to 64 characters")
              .nullish(),
            default_peer: claim.nullish(),
          },
          objectError,
        ),
        "peers",
        entriesMax,
      ).nullish(),
      keepalive_interval: seconds.nullish(),
      hold_time: seconds.nullish(),
    },
    objectError,
  )
  .check((context) => {
    const keepalive = context.value.keepalive_interval ?? 60;
    const peer = twice((context.value.peers ?? []).map((entry) => entry.address));
    if (keepalive === 0) {
      complain(context, "invalid MSDP configuration: keepalive_interval must be greater than 0");
    } else if ((context.value.hold_time ?? 75) <= keepalive) {
      complain(context, "invalid MSDP configuration: hold_time must be greater than keepalive_interval");
    } else if (peer !== undefined) {
      complain(context, `invalid MSDP configuration: peer ${peer} is listed twice`);
    }
  });

const controlPlane = z.object(
  {
    rpf_provider: text("a provider", 4096)
      .refine((value) => value === "disabled" || value === "static" || value.startsWith("/"), {
        error: "must be 'disabled', 'static' or an absolute path",
      })
      .nullish(),
    external_neighbors_enabled: claim.nullish(),
    event_buffer_size: whole("a number of events", 1, 65_536).nullish(),
  },
  objectError,
);

const notInEffect = "MCR's: checked, and not in effect";

/** Accepted and checked; what they ask for is not available yet. */
export const protocolSections = {
  pim: pim.nullish().describe(notInEffect),
  igmp: igmp.nullish().describe(notInEffect),
  msdp: msdp.nullish().describe(notInEffect),
  control_plane: controlPlane.nullish().describe(notInEffect),
};

/** Their names, for warnings. */
export const protocolSectionNames = ["pim", "igmp", "msdp", "control_plane"] as const;
