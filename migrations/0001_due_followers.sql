DROP INDEX `deliveries_due`;--> statement-breakpoint
CREATE INDEX `deliveries_due` ON `deliveries` (`endpoint_id`,`due_at`,`id`,`subscription_id`) WHERE "deliveries"."due_at" is not null;
--> statement-breakpoint
UPDATE `deliveries` SET `due_at` = max(`next_attempt_at`, (SELECT min(`head`.`due_at`) FROM `deliveries` AS `head` WHERE `head`.`subscription_id` = `deliveries`.`subscription_id`)) WHERE `state` = 'pending' AND `rank` = 2 AND `due_at` IS NULL AND `subscription_id` IN (SELECT `head`.`subscription_id` FROM `deliveries` AS `head` WHERE `head`.`due_at` < 8640000000000000 AND `head`.`rank` = 2 AND `head`.`attempts` = 0);
