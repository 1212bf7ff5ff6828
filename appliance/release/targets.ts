// What a release is made for. The machine's own Bun is bundler; the executable of each target is made of the Bun that npm has for it.

/** A target: how we call it, and what it is made of and with. */
export type Target = {
  /** As in `mcr-appliance-0.1.0-NAME`. */
  name: string;
  /** Package of @oven, and what its archive hashes to (npm's `dist.integrity`). */
  runtime: { package: string; integrity: string };
  /** Debian's name of the architecture. */
  architecture: "amd64" | "arm64";
  /** The triplet without the C library, as in `aarch64-linux-gnu`. */
  machine: "x86_64" | "aarch64";
  libc: "glibc" | "musl";
};

/** The version of Bun whose packages are listed below; package.json must pin the same. */
export const bunVersion = "1.4.5";

const x64 = { architecture: "amd64", machine: "x86_64" } as const;
const arm64 = { architecture: "arm64", machine: "aarch64" } as const;

/**
 * All of them. Bun 1.4.5 publishes one and the same executable as x64 and x64-baseline: it looks at the processor when it starts. Both
 * names are kept, so that nobody has to know; SHA256SUMS shows it.
 */
export const targets: readonly Target[] = [
  {
    name: "linux-x64",
    runtime: {
      package: "bun-linux-x64",
      integrity: "sha512-IWX9BELoGHAUtMonkeSaNaZwXzRk+oDw6Mk+HBFXd3KHYIBNBsIGRupMZPcgNoDbJpLu6gAJjIoIVPZtt1aJ1g==",
    },
    ...x64,
    libc: "glibc",
  },
  {
    name: "linux-x64-baseline",
    runtime: {
      package: "bun-linux-x64-baseline",
      integrity: "sha512-s8yMwYcFnnrA178gji0gZbkE2WVDej/Ti1x770oPfihxyRxSMNhGhiAQNXV53aDeraZxksdvKV/RAdQBCd0qPA==",
    },
    ...x64,
    libc: "glibc",
  },
  {
    name: "linux-x64-musl",
    runtime: {
      package: "bun-linux-x64-musl",
      integrity: "sha512-10QoW/YfTgnURaGEaHpJCiXjLI2e5iTtfVDaA5JKcyUzaa1cq6cVUY9/Uq5XkYzvtRjHLRe9Oj/lTDIQcxy8HQ==",
    },
    ...x64,
    libc: "musl",
  },
  {
    name: "linux-x64-musl-baseline",
    runtime: {
      package: "bun-linux-x64-musl-baseline",
      integrity: "sha512-cWJhU8h0+MiUgpSt99sQhjxLIIosKEcKYdtKddohokUvAuN6jKOy7g7+QDTZTXtwHxz93wL3BX+L6wXVPDUH3A==",
    },
    ...x64,
    libc: "musl",
  },
  {
    name: "linux-arm64",
    runtime: {
      package: "bun-linux-aarch64",
      integrity: "sha512-4BXmsSKnjOrlGWqZV4x/oWa7AVoR+B6lCXddMzOAXBIm3t50eslg9wb66gmtW1AamEQ1l1CDvmmruysEhqOWMg==",
    },
    ...arm64,
    libc: "glibc",
  },
  {
    name: "linux-arm64-musl",
    runtime: {
      package: "bun-linux-aarch64-musl",
      integrity: "sha512-XCNc+WvvMAdNNb+OWTogpy+N9wm62fkVeEVLb6how0RZhW5LPi6c7BlkeVCuWps7XjEl2saFpHFa20/1E+PAHg==",
    },
    ...arm64,
    libc: "musl",
  },
];
