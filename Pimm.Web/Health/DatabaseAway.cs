using Pimm.Core.Database;

namespace Pimm.Web.Health;

/// <summary>
/// A database that is away, or has no connection left, is no fault of the request: 503 and when to come again, as a page for a
/// person and bare for a program. The stack stays out of the log, which would be full of it.
/// </summary>
public static class DatabaseAway
{
    private const string RetryAfterSeconds = "5";

    /// <summary>Inside the error pages, which fill in the page.</summary>
    public static IApplicationBuilder UseDatabaseAway(this IApplicationBuilder app) => app.Use(async (context, next) =>
    {
        try
        {
            await next();
        }
        catch (Exception error) when (!context.Response.HasStarted && PostgresErrors.IsTransient(error))
        {
            var log = context.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(DatabaseAway));
            log.LogWarning("{Method} {Path} had to be refused: {Reason}", context.Request.Method, context.Request.Path, PostgresErrors.Translate(error).Message);
            context.Response.Clear();
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            context.Response.Headers.RetryAfter = RetryAfterSeconds;
        }
    });

    /// <summary>When to ask again, on an answer that says not now.</summary>
    public static void SayWhenToComeAgain(HttpResponse response)
    {
        if (response.StatusCode == StatusCodes.Status503ServiceUnavailable)
            response.Headers.RetryAfter = RetryAfterSeconds;
    }
}
