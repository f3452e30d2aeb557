CREATE TABLE `deliveries` (
	`id` integer PRIMARY KEY NOT NULL,
	`subscription_id` integer NOT NULL,
	`endpoint_id` integer NOT NULL,
	`rank` integer NOT NULL,
	`webhook_id` text NOT NULL,
	`type` text NOT NULL,
	`seq` integer,
	`state` text NOT NULL,
	`state_reason` text,
	`attempts` integer DEFAULT 0 NOT NULL,
	`schedule_from` integer DEFAULT 0 NOT NULL,
	`next_attempt_at` integer,
	`due_at` integer,
	`accepted_at` integer,
	`created_at` integer NOT NULL,
	`finished_at` integer,
	`body` text NOT NULL,
	`attempt_log` text DEFAULT '[]' NOT NULL,
	FOREIGN KEY (`subscription_id`) REFERENCES `subscriptions`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `deliveries_subscription` ON `deliveries` (`subscription_id`);--> statement-breakpoint
CREATE INDEX `deliveries_due` ON `deliveries` (`endpoint_id`,`due_at`) WHERE "deliveries"."due_at" is not null;--> statement-breakpoint
CREATE INDEX `deliveries_urgent` ON `deliveries` (`endpoint_id`,`subscription_id`) WHERE "deliveries"."state" = 'pending' and "deliveries"."rank" < 2;--> statement-breakpoint
CREATE INDEX `deliveries_exhausted` ON `deliveries` (`id`) WHERE "deliveries"."state" = 'exhausted';--> statement-breakpoint
CREATE TABLE `endpoints` (
	`id` integer PRIMARY KEY NOT NULL,
	`public_id` text NOT NULL,
	`owner_id` integer NOT NULL,
	`origin` text NOT NULL,
	`paused` integer DEFAULT 0 NOT NULL,
	`max_concurrency` integer,
	`max_per_second` real,
	`failures` integer DEFAULT 0 NOT NULL,
	`failing_since` integer,
	`unavailable_since` integer,
	`probes` integer DEFAULT 0 NOT NULL,
	`next_probe_at` integer,
	`retry_after_until` integer,
	`last_success_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `endpoints_public_id_unique` ON `endpoints` (`public_id`);--> statement-breakpoint
CREATE INDEX `endpoints_owner` ON `endpoints` (`owner_id`);--> statement-breakpoint
CREATE TABLE `meta` (
	`key` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `owners` (
	`id` integer PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`signing` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `owners_name_unique` ON `owners` (`name`);--> statement-breakpoint
CREATE TABLE `subscriptions` (
	`id` integer PRIMARY KEY NOT NULL,
	`nonce` text NOT NULL,
	`task_token` text NOT NULL,
	`endpoint_id` integer NOT NULL,
	`callback_url` text NOT NULL,
	`events` text NOT NULL,
	`percent_step` real NOT NULL,
	`metadata` text NOT NULL,
	`sealed_secret` text,
	`watch_ms` integer NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`paused` integer DEFAULT 0 NOT NULL,
	`end_state` text,
	`ended_at` integer,
	`state_reason` text,
	`awaits_state` integer DEFAULT 0 NOT NULL,
	FOREIGN KEY (`task_token`) REFERENCES `tasks`(`token`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`endpoint_id`) REFERENCES `endpoints`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `subscriptions_task` ON `subscriptions` (`task_token`);--> statement-breakpoint
CREATE TABLE `tasks` (
	`token` text PRIMARY KEY NOT NULL,
	`status_url` text,
	`created_at` integer NOT NULL,
	`polling` integer NOT NULL,
	`end` text,
	`ended_at` integer,
	`regressed_at` integer,
	`unknown_since` integer,
	`asked_alone` integer DEFAULT 0 NOT NULL,
	`failing_since` integer,
	`stalled` integer DEFAULT 0 NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `tasks_polling` ON `tasks` (`token`) WHERE "tasks"."polling" = 1;--> statement-breakpoint
CREATE TABLE `transitions` (
	`task_token` text NOT NULL,
	`seq` integer NOT NULL,
	`type` text NOT NULL,
	`status` text,
	`percent` real,
	`at` integer NOT NULL,
	`error_code` integer,
	`error_description` text,
	`result` text,
	`result_dropped` integer DEFAULT 0 NOT NULL,
	PRIMARY KEY(`task_token`, `seq`),
	FOREIGN KEY (`task_token`) REFERENCES `tasks`(`token`) ON UPDATE no action ON DELETE no action
) WITHOUT ROWID;
