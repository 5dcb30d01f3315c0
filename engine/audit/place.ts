// SPDX-License-Identifier: Apache-2.0
// Where the audit log of a configuration is, and how it is kept.

import { join } from 'node:path';
import type { Config } from '../config/index.js';
import type { AuditLogOptions } from './audit-log.js';

export function auditPlace({ audit, state_dir: folder }: Config): Omit<AuditLogOptions, 'onTrouble'> {
  return {
    file: audit.path ?? join(folder, 'audit.log'),
    folder,
    maxBytes: audit.max_bytes,
    files: audit.files,
    checkpointRecords: audit.checkpoint_records,
    checkpointMs: audit.checkpoint_interval * 1000,
  };
}
