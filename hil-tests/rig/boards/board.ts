/** A device of the rig as its own process, so that it can be killed; disposing it ends it. */
export interface Board extends AsyncDisposable {
  /** Ends it as a cut of the power does. */
  kill(): Promise<void>;
  /** Starts it again after kill: a new boot. */
  restart(): Promise<void>;
}
