// SPDX-License-Identifier: Apache-2.0
// Data sets of rules on the control socket.

import type { DatasetAnswer, DatasetCommand, DatasetInfo } from '../../rules/index.js';

export interface DatasetsApi {
  /** Those that rules in force ask. */
  datasets(): Promise<readonly DatasetInfo[]>;
  /** @throws IdsError NOT_FOUND, USAGE for what is no value of the set, LIST_FULL */
  dataset(command: DatasetCommand): Promise<DatasetAnswer>;
}
