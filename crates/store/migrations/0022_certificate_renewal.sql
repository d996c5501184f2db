-- The notices given of a version of a certificate, as a bit mask; whether its secret keeps the order of certificates; and the failed
-- renewals of a certificate, as JSON.

ALTER TABLE certificate_versions ADD COLUMN notices BIGINT NOT NULL DEFAULT 0;
ALTER TABLE certificate_versions ADD COLUMN keep_order BIGINT NOT NULL DEFAULT 0;
ALTER TABLE certificates ADD COLUMN renewal TEXT NOT NULL DEFAULT '{"failures":0,"not_before":null}';
