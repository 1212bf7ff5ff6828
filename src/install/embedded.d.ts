// Files of appliance/ that the bundler puts into the executable arrive as their text.
declare module "*.service" {
  const text: string;
  export default text;
}
declare module "*.conf" {
  const text: string;
  export default text;
}
declare module "*.default" {
  const text: string;
  export default text;
}
declare module "*.json5" {
  const text: string;
  export default text;
}
declare module "*.initd" {
  const text: string;
  export default text;
}
declare module "*.confd" {
  const text: string;
  export default text;
}
declare module "*.init" {
  const text: string;
  export default text;
}
declare module "*.config" {
  const text: string;
  export default text;
}
declare module "*/tuning/tune" {
  const text: string;
  export default text;
}
