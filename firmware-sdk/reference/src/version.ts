/** The SDK and its version, as devices log it when they boot. */
export const sdkVersion = "motelet-reference 0.1.0";
