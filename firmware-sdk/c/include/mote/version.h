#ifndef MOTE_VERSION_H
#define MOTE_VERSION_H

/** The SDK and its version, as devices log it when they boot. */
#define MOTE_SDK "motelet-c 0.1.0"

#endif
