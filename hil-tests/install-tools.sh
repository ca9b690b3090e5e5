#!/usr/bin/env bash
# Installs the Debian packages that the C builds (host), the emulated boards (arm), the AVR (avr) and fuzzing (fuzz) need; does nothing
# where they are there.
set -euo pipefail

missing=()
need() { command -v "$1" >/dev/null || missing+=("$2"); }

for set in "$@"; do
  case "$set" in
    host)
      need gcc build-essential
      need openssl openssl
      need coap-client-notls libcoap3-bin
      ;;
    arm)
      need arm-none-eabi-gcc gcc-arm-none-eabi
      need qemu-system-arm qemu-system-arm
      # The compiler alone has no C library; without it, -print-file-name answers with the bare name.
      [ -e "$(arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb -print-file-name=libc.a 2>/dev/null)" ] || missing+=(libnewlib-arm-none-eabi)
      ;;
    avr)
      need avr-gcc gcc-avr
      # As above: the compiler alone has no C library.
      [ -e "$(avr-gcc -mmcu=atmega1284p -print-file-name=libc.a 2>/dev/null)" ] || missing+=(avr-libc)
      ;;
    fuzz)
      need clang clang
      # The compiler alone has no libFuzzer and no sanitizers.
      ls "$(clang -print-runtime-dir 2>/dev/null)"/libclang_rt.fuzzer* >/dev/null 2>&1 || missing+=(libclang-rt-dev)
      ;;
    *)
      echo "install-tools.sh: $set: expected host, arm, avr or fuzz" >&2
      exit 64
      ;;
  esac
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "motelet needs these packages: install them with: sudo apt-get install ${missing[*]}" >&2
  exit 1
fi
echo "installing ${missing[*]} (about 1 minute) …" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
