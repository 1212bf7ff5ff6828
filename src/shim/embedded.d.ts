// Files that the bundler puts into the executable arrive as a path.
declare module "*.so" {
  const path: string;
  export default path;
}
declare module "*.bpf" {
  const path: string;
  export default path;
}
