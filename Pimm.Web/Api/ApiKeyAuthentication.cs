using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;
using Pimm.Core.Access;

namespace Pimm.Web.Api;

/// <summary>Who asks, by the header "Authorization: Bearer pimm_…"; every answer that refuses is problem+json, never a redirect.</summary>
public sealed class ApiKeyAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder, ApiKeyStore keys, TimeProvider time)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    public const string SchemeName = "ApiKey";
    private const string Bearer = "Bearer ";

    private sealed record Refusal(string Code, string Sentence);

    private static readonly Refusal NoKey = new("no-key", "The request has no key: send the header \"Authorization: Bearer pimm_…\"; `pimm keys create` makes one.");
    private static readonly Refusal UnknownKey = new("unknown-key", "The key is unknown: check that it was copied whole.");
    private static readonly Refusal ExpiredKey = new("expired-key", "The key has expired: `pimm keys create` makes another one.");
    private static readonly Refusal RevokedKey = new("revoked-key", "The key was revoked: ask whoever runs Pimm for another one.");

    private Refusal refusal = NoKey;

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (Request.Headers.Authorization is not [{ } header] || !header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
        {
            return AuthenticateResult.NoResult();
        }
        if (ApiKeyText.Parse(header[Bearer.Length..].Trim()) is not { } given
            || await keys.FindAsync(given.Prefix, Context.RequestAborted) is not { } key || !key.Fits(given))
        {
            return Refuse(UnknownKey);
        }
        var now = time.GetUtcNow();
        switch (key.StateAt(now))
        {
            case "expired": return Refuse(ExpiredKey);
            case "revoked": return Refuse(RevokedKey);
        }
        await keys.TouchAsync(key, now, Context.RequestAborted);
        return AuthenticateResult.Success(new AuthenticationTicket(ApiCaller.Principal(key), SchemeName));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers.WWWAuthenticate = refusal == NoKey ? "Bearer realm=\"pimm\"" : "Bearer realm=\"pimm\", error=\"invalid_token\"";
        return ApiProblem.Of(StatusCodes.Status401Unauthorized, refusal.Code, "A key is needed", refusal.Sentence).ExecuteAsync(Context);
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties)
    {
        var scope = Context.GetEndpoint()?.Metadata.GetMetadata<ApiScope>()?.Name;
        Response.Headers.WWWAuthenticate = $"Bearer realm=\"pimm\", error=\"insufficient_scope\", scope=\"{scope}\"";
        return ApiProblem.Of(
            StatusCodes.Status403Forbidden, "missing-scope", "The key may not do this",
            $"This needs the scope {scope}, which the key lacks: make one that has it with `pimm keys create`.",
            more: [new("scope", scope)]).ExecuteAsync(Context);
    }

    private AuthenticateResult Refuse(Refusal why)
    {
        refusal = why;
        Context.RequestServices.GetRequiredService<RefusalLimit>().Count(Context);
        Logger.LogWarning("A request with a key was refused: {Code}", why.Code);
        return AuthenticateResult.Fail(why.Sentence);
    }
}
