#ifndef CORTEX_M_FILES_H
#define CORTEX_M_FILES_H

#include "mote/stores/flash_store.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The store of the board's files: 128 KiB of the PSRAM at 0x21000000, kept like flash (erased by
 * sectors, programmed only from 1 to 0). It outlives a reset; with QEMU's `-M
 * mps2-an385,memory-backend=psram -object memory-backend-file,id=psram,size=16M,mem-path=FILE,
 * share=on` the emulator too.
 */
extern struct mote_flash_store cortex_files;

#ifdef __cplusplus
}
#endif

#endif
