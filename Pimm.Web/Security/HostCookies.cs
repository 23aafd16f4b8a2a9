namespace Pimm.Web.Security;

/// <summary>
/// Under https the browser is given our sealed cookies by names that begin with __Host-: it takes them over https only, for this host
/// only, and no page of a neighbouring host can plant one. Inside, they have their plain names.
/// </summary>
public static class HostCookies
{
    private const string Prefix = "__Host-";

    /// <summary>What a name of ours that is sealed begins with; chunks of a long one have a suffix.</summary>
    private static readonly string[] Sealed = ["pimm", "pimm-form", PendingSignIn.Scheme];

    public static IApplicationBuilder UseHostCookies(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        if (!context.Request.IsHttps)
        {
            return next();
        }
        context.Request.Headers.Cookie = Plain(context.Request.Headers.Cookie.ToString());
        context.Response.OnStarting(() =>
        {
            var cookies = context.Response.Headers.SetCookie;
            context.Response.Headers.SetCookie = cookies.Select(cookie => cookie is not null && IsSealed(NameOf(cookie)) ? Prefix + cookie : cookie).ToArray();
            return Task.CompletedTask;
        });
        return next();
    });

    /// <summary>With our names in place of the browser's, and without what has ours and was not given by us.</summary>
    private static string Plain(string header) => string.Join("; ", header.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
        .Where(cookie => !IsSealed(NameOf(cookie)))
        .Select(cookie => cookie.StartsWith(Prefix, StringComparison.Ordinal) && IsSealed(NameOf(cookie[Prefix.Length..])) ? cookie[Prefix.Length..] : cookie));

    private static string NameOf(string cookie) => cookie.Split('=')[0];

    private static bool IsSealed(string name) => Sealed.Any(known => name == known || (name.StartsWith(known + "C", StringComparison.Ordinal) && name[(known.Length + 1)..].All(char.IsAsciiDigit)));
}
