# The program at the head of a unified kernel image, at $out/stub.efi: stub.c as an ELF file that nothing has to move,
# turned into what UEFI loads. images/uki asks for it.
{ lib, seed }:
lib.run {
  name = "uki-stub";
  root = seed.kernel;
  mounts."/src/stub" = [
    ./stub.c
    ./stub.lds
  ];
  script = ''
    gcc-14 -std=c11 -Wall -Wextra -Werror -O2 -ffreestanding -fpie -fvisibility=hidden -fshort-wchar \
      -mno-red-zone -mgeneral-regs-only -fno-stack-protector -fno-jump-tables \
      -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns -c -o stub.o /src/stub/stub.c
    ld -nostdlib -pie --no-dynamic-linker -z noexecstack -z norelro --build-id=none \
      -T /src/stub/stub.lds -o stub.elf stub.o
    if readelf -r stub.elf | grep -q R_X86; then
      echo "the stub has to be moved to where it is loaded, and nothing would do it" >&2
      exit 1
    fi
    mkdir -p $out
    objcopy -j .text -j .data -j .reloc --target=efi-app-x86_64 stub.elf $out/stub.efi
    printf '\0\0\0\0' | dd of=$out/stub.efi bs=1 seek=136 conv=notrunc status=none
  '';
}
