DROP INDEX `deliveries_urgent`;--> statement-breakpoint
DROP INDEX `deliveries_tests`;--> statement-breakpoint
CREATE INDEX `deliveries_urgent` ON `deliveries` (`endpoint_id`,`subscription_id`,`rank`) WHERE "deliveries"."state" = 'pending' and "deliveries"."rank" < 2;--> statement-breakpoint
CREATE INDEX `deliveries_tests` ON `deliveries` (`endpoint_id`,`due_at`) WHERE "deliveries"."state" = 'pending' and "deliveries"."rank" = 0 and "deliveries"."due_at" is not null;