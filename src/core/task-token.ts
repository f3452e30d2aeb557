/** As Qencode's `create_task` answers it (upstream/QENCODE.md). */
export const taskTokenPattern = /^[a-f0-9]{32}$/
