using System.Globalization;
using Microsoft.AspNetCore.Localization;
using Microsoft.AspNetCore.Mvc;
using Pimm.Web.Security;

namespace Pimm.Web.Layout;

/// <summary>English and Simplified Chinese: what the browser asks for, until somebody chooses. Numbers and dates are written alike in both.</summary>
public static class Languages
{
    public const string Cookie = "pimm-language";

    public static IReadOnlyList<(string Code, string Name)> All { get; } = [("en", "English"), ("zh-CN", "简体中文")];

    public static IServiceCollection AddLanguages(this IServiceCollection services) => services.AddLocalization().Configure<RequestLocalizationOptions>(options =>
    {
        options.SetDefaultCulture("en").AddSupportedUICultures([.. All.Select(language => language.Code)]);
        options.SupportedCultures = [CultureInfo.GetCultureInfo("en")];
        options.RequestCultureProviders = [new CookieRequestCultureProvider { CookieName = Cookie }, new AcceptLanguageHeaderRequestCultureProvider()];
    });

    public static IEndpointRouteBuilder MapLanguages(this IEndpointRouteBuilder routes)
    {
        // A form post with its token, behind which the page is loaded anew: a circuit keeps the language it began with.
        routes.MapPost("/language", ([FromForm] string language, [FromForm] string? returnTo, HttpContext context) =>
        {
            if (All.Any(known => known.Code == language))
            {
                context.Response.Cookies.Append(Cookie, CookieRequestCultureProvider.MakeCookieValue(new RequestCulture("en", language)), new CookieOptions
                {
                    HttpOnly = true, IsEssential = true, SameSite = SameSiteMode.Lax, Secure = context.Request.IsHttps, MaxAge = TimeSpan.FromDays(365),
                });
            }
            return Results.LocalRedirect(LocalAddress.Or(returnTo, "/"));
        }).AllowAnonymous();
        return routes;
    }
}
