using Pimm.Web.Api;
using Pimm.Web.Security;
using Radzen;

namespace Pimm.Web.Layout;

public static class PageServices
{
    /// <summary>Razor components with circuits, and Radzen's dialogs and notices.</summary>
    public static IServiceCollection AddPages(this IServiceCollection services)
    {
        services.AddRazorComponents().AddInteractiveServerComponents();
        return services.AddRadzenComponents();
    }

    /// <summary>A page says what went wrong in words; health checks and forms without a token answer bare.</summary>
    public static IApplicationBuilder UseErrorPages(this WebApplication app)
    {
        if (!app.Environment.IsDevelopment())
        {
            app.UseExceptionHandler(new ExceptionHandlerOptions { ExceptionHandlingPath = "/problem/500", CreateScopeForErrors = true, SuppressDiagnosticsCallback = _ => true });
        }

        return app.UseWhen(
            context => HttpMethods.IsGet(context.Request.Method) && !context.Request.Path.StartsWithSegments("/health") && !ApiErrors.IsApi(context),
            pages => pages.UseStatusCodePagesWithReExecute("/problem/{0}", createScopeForStatusCodePages: true))
            .Use(RefuseAsync);
    }

    /// <summary>
    /// A form without its token, or a body that cannot be read: thrown further, the server would answer without our headers.
    /// What nobody foresaw is logged with the id that its page names.
    /// </summary>
    private static async Task RefuseAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
        }
        catch (BadHttpRequestException refused) when (!context.Response.HasStarted)
        {
            context.Response.Clear();
            context.Response.StatusCode = refused.StatusCode;
        }
        catch (Exception error) when (!context.RequestAborted.IsCancellationRequested)
        {
            var log = context.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(PageServices));
            log.LogError(error, "{Method} {Path} failed ({Id})", context.Request.Method, context.Request.Path, context.TraceIdentifier);
            throw;
        }
    }

    public static IEndpointRouteBuilder MapPages(this WebApplication app)
    {
        app.MapStaticAssets().AllowAnonymous();
        // Null: the one policy is SecurityHeaders'; Blazor would add a second header.
        app.MapRazorComponents<App>().AddInteractiveServerRenderMode(server => server.ContentSecurityFrameAncestorsPolicy = null);
        return app;
    }
}
