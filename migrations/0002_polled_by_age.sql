DROP INDEX `tasks_polling`;--> statement-breakpoint
CREATE INDEX `tasks_polling` ON `tasks` (`created_at`) WHERE "tasks"."polling" = 1;