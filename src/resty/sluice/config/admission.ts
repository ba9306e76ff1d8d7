/** Temporary: the configuration branch has the real one. */
export interface RetriesConfig {
  tries?: number;
  timeout?: string;
  budget?: { percent: number; min_concurrent: number };
}
export interface QueueConfig {
  size: number;
  timeout: string;
}
export interface AdmissionConfig {
  retries?: RetriesConfig;
  queue?: QueueConfig;
}
