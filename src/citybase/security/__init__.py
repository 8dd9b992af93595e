"""标准规范和安全保障: principals, access policy, data scope, audit log, classification."""
