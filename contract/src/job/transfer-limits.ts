// Of one file with jobs: a controller reads them one after the other, and answers others in between. Apart from the shapes,
// so that the console has them without a schema library.
export const maxTransferJobs = 1000;
export const maxTransferBytes = 16 * 1024 * 1024;
