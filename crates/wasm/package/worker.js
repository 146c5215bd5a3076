// The worker: everything that takes time, away from the page.

import { serve } from "./session.js";

serve(globalThis);
