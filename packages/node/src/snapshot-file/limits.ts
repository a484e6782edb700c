/** What a snapshot file may hold, in bytes. */
export const SMALL_MEMBER_BYTES = 8192;
/** Of the state, uncompressed, where the caller sets no limit of its own. */
export const STATE_BYTES = 64 * 1024 ** 3;
/** Of tar beside its members' contents: headers, padding, and the zeros that some writers end with. */
export const ARCHIVE_OVERHEAD_BYTES = 1024 * 1024;
