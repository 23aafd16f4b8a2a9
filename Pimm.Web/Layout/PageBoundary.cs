using System.Security.Cryptography;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Pimm.Core.Database;
using Pimm.Web.Health;

namespace Pimm.Web.Layout;

/// <summary>
/// Around a page: what nobody foresaw there is logged with an id that its reader is told, and answers the first request with 500, or
/// with 503 where the database is away.
/// </summary>
public sealed class PageBoundary : ErrorBoundary
{
    [Inject] private ILogger<PageBoundary> Log { get; set; } = default!;

    [Inject] private NavigationManager Navigation { get; set; } = default!;

    /// <summary>Null once a circuit renders.</summary>
    [CascadingParameter] private HttpContext? Request { get; set; }

    public string Id { get; private set; } = "";

    public bool DatabaseIsAway { get; private set; }

    protected override Task OnErrorAsync(Exception exception)
    {
        Id = Request?.TraceIdentifier ?? RandomNumberGenerator.GetHexString(12);
        DatabaseIsAway = PostgresErrors.IsTransient(exception);
        var path = new Uri(Navigation.Uri).AbsolutePath;
        if (DatabaseIsAway)
        {
            Log.LogWarning("{Path} had to be refused ({Id}): {Reason}", path, Id, PostgresErrors.Translate(exception).Message);
        }
        else
        {
            Log.LogError(exception, "{Path} failed ({Id})", path, Id);
        }
        if (Request is { Response.HasStarted: false } request)
        {
            request.Response.StatusCode = DatabaseIsAway ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status500InternalServerError;
            DatabaseAway.SayWhenToComeAgain(request.Response);
        }
        return Task.CompletedTask;
    }
}
