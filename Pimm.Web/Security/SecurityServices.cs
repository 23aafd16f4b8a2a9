using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.Identity;
using Pimm.Core.Access;
using Pimm.Core.Auditing;
using Pimm.Web.Api;

namespace Pimm.Web.Security;

public static class SecurityServices
{
    /// <summary>Session cookie, security stamp, antiforgery, sign-in limit; whatever does not say otherwise needs a signed-in person.</summary>
    public static IServiceCollection AddSignIn(this IServiceCollection services)
    {
        services.AddHttpContextAccessor();
        services.AddAuthentication(IdentityConstants.ApplicationScheme).AddCookie(IdentityConstants.ApplicationScheme);
        services.AddOptions<Microsoft.AspNetCore.Authentication.Cookies.CookieAuthenticationOptions>(IdentityConstants.ApplicationScheme)
            .Configure<AccessOptions>((session, access) =>
            {
                Seal(session.Cookie, "pimm", SameSiteMode.Lax);
                // The API neither reads nor sets a cookie.
                session.ForwardDefaultSelector = context => ApiErrors.IsApi(context) ? ApiKeyAuthentication.SchemeName : null;
                session.LoginPath = "/sign-in";
                session.AccessDeniedPath = "/problem/403";
                session.ExpireTimeSpan = TimeSpan.FromHours(access.SessionHours);
                session.SlidingExpiration = true;
                // A page that says what went wrong needs no session, and asks for none: the database may be what went wrong.
                session.Events.OnValidatePrincipal = context => context.Request.Path.StartsWithSegments("/problem")
                    ? Nobody(context)
                    : SecurityStampValidator.ValidatePrincipalAsync(context);
            });
        // A second scheme, OpenID Connect say, is added to this builder; docs/operations.md, "People and access", says what else it needs.
        services.AddAuthentication().AddCookie(PendingSignIn.Scheme, step =>
        {
            Seal(step.Cookie, PendingSignIn.Scheme, SameSiteMode.Strict);
            step.ExpireTimeSpan = PendingSignIn.Lifetime;
            step.SlidingExpiration = false;
        });
        // Nobody is remembered; but who ends a session with an old stamp signs out of this scheme too, and fails where there is none.
        services.AddAuthentication().AddCookie(IdentityConstants.TwoFactorRememberMeScheme, never => Seal(never.Cookie, "pimm-remember", SameSiteMode.Strict));
        services.AddOptions<SecurityStampValidatorOptions>().Configure<AccessOptions>((stamp, access) => stamp.ValidationInterval = TimeSpan.FromSeconds(access.RevalidationSeconds));
        new IdentityBuilder(typeof(AppUser), typeof(AppRole), services).AddSignInManager();
        services.AddAuthorizationBuilder().SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
        services.AddAntiforgery(antiforgery =>
        {
            Seal(antiforgery.Cookie, "pimm-form", SameSiteMode.Strict);
            antiforgery.SuppressXFrameOptionsHeader = true;
        });
        services.AddRateLimiter(limits =>
        {
            limits.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
            limits.AddPolicy(SignInLimit.Policy, SignInLimit.Partition);
        });
        services.AddHsts(hsts => (hsts.MaxAge, hsts.IncludeSubDomains) = (TimeSpan.FromDays(365), true));
        services.AddCascadingAuthenticationState();
        services.AddScoped<AuthenticationStateProvider, StampRevalidation>();
        return services.AddScoped<PendingSignIn>().AddScoped<PasswordSignIn>().AddScoped<WorkPermit>().AddScoped<RunActions>();
    }

    public static IEndpointRouteBuilder MapSignOut(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/sign-out", async (SignInManager<AppUser> signIn, AuditLog audit, HttpContext context, [Microsoft.AspNetCore.Mvc.FromForm] string? unused) =>
        {
            if (context.User.Identity?.Name is { } name)
            {
                await audit.AddAsync(new AuditEntry(AuditActor.User(name), "sign-in.end", "user", context.User.FindFirstValue(ClaimTypes.NameIdentifier) ?? "", From: context.Connection.RemoteIpAddress?.ToString()));
            }

            await signIn.SignOutAsync();
            return Results.LocalRedirect("/sign-in");
        });
        return routes;
    }

    private static Task Nobody(Microsoft.AspNetCore.Authentication.Cookies.CookieValidatePrincipalContext context)
    {
        context.RejectPrincipal();
        return Task.CompletedTask;
    }

    private static void Seal(CookieBuilder cookie, string name, SameSiteMode sameSite)
    {
        cookie.Name = name;
        cookie.HttpOnly = true;
        cookie.SameSite = sameSite;
        cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
    }
}
