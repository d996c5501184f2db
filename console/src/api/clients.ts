import { type Client, Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import type { DescService } from "@bufbuild/protobuf";
import { AccessService } from "../gen/strongroom/v1/access_pb.js";
import { AuditService } from "../gen/strongroom/v1/audit_pb.js";
import { AuthorizationService } from "../gen/strongroom/v1/authorization_pb.js";
import { BackupService } from "../gen/strongroom/v1/backup_pb.js";
import { CertificateService } from "../gen/strongroom/v1/certificate_pb.js";
import { ClockService } from "../gen/strongroom/v1/clock_pb.js";
import { CryptoService } from "../gen/strongroom/v1/crypto_pb.js";
import { KeyService } from "../gen/strongroom/v1/key_pb.js";
import { LifecycleService } from "../gen/strongroom/v1/lifecycle_pb.js";
import { ManagedHsmService } from "../gen/strongroom/v1/managed_hsm_pb.js";
import { ResourceService } from "../gen/strongroom/v1/resource_pb.js";
import { SecretService } from "../gen/strongroom/v1/secret_pb.js";
import { SecurityDomainService } from "../gen/strongroom/v1/security_domain_pb.js";
import { TokenService } from "../gen/strongroom/v1/token_pb.js";
import { UsageService } from "../gen/strongroom/v1/usage_pb.js";
import { VaultService } from "../gen/strongroom/v1/vault_pb.js";
import { currentToken, renewToken } from "../session/session.js";

/** Adds the access token. A call that is refused because the token has expired is repeated once with a new one. */
const authorize: Interceptor = (next) => async (request) => {
  request.header.set("authorization", `Bearer ${await currentToken()}`);
  try {
    return await next(request);
  } catch (error) {
    // The message of a stream has been consumed, so it cannot be sent again.
    if (request.stream || ConnectError.from(error).code !== Code.Unauthenticated || !(await renewToken())) {
      throw error;
    }
    request.header.set("authorization", `Bearer ${await currentToken()}`);
    return next(request);
  }
};

const transport = createGrpcWebTransport({ baseUrl: location.origin, interceptors: [authorize] });

const client = <S extends DescService>(service: S): Client<S> => createClient(service, transport);

export const access = client(AccessService);
export const audit = client(AuditService);
export const authorization = client(AuthorizationService);
export const backups = client(BackupService);
export const certificates = client(CertificateService);
export const clock = client(ClockService);
export const cryptography = client(CryptoService);
export const hsms = client(ManagedHsmService);
export const keys = client(KeyService);
export const lifecycle = client(LifecycleService);
export const resources = client(ResourceService);
export const secrets = client(SecretService);
export const securityDomains = client(SecurityDomainService);
export const tokens = client(TokenService);
export const usage = client(UsageService);
export const vaults = client(VaultService);
