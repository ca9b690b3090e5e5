#!/usr/bin/env bash
# Installs the Debian packages that the C builds and the emulated boards need; does nothing where they are there.
set -euo pipefail

declare -A package_of=(
  [gcc]=build-essential
  [arm-none-eabi-gcc]=gcc-arm-none-eabi
  [qemu-system-arm]=qemu-system-arm
  [openssl]=openssl
)
missing=()
for command in "${!package_of[@]}"; do
  command -v "$command" >/dev/null || missing+=("${package_of[$command]}")
done
if command -v arm-none-eabi-gcc >/dev/null; then
  # The compiler alone has no C library.
  [ -e "$(arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb -print-file-name=libc.a)" ] || missing+=(libnewlib-arm-none-eabi)
else
  missing+=(libnewlib-arm-none-eabi)
fi
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "motelet needs these packages: install them with: sudo apt-get install ${missing[*]}" >&2
  exit 1
fi
echo "installing ${missing[*]} (about 1 minute) …" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
