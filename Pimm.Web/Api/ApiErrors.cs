using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;
using Pimm.Core;
using Pimm.Core.Database;

namespace Pimm.Web.Api;

/// <summary>Whatever goes wrong below /api is answered as problem+json: programs read neither pages nor redirects.</summary>
public static partial class ApiErrors
{
    public const string Root = "/api";

    private const string RetryAfterSeconds = "5";

    public static bool IsApi(HttpContext context) => context.Request.Path.StartsWithSegments(Root);

    /// <summary>Behind routing, before authentication.</summary>
    public static IApplicationBuilder UseApiErrors(this IApplicationBuilder app) => app.UseWhen(IsApi, api => api.Use(async (context, next) =>
    {
        try
        {
            // Routing answers an unknown method or type of content with an endpoint of its own, which asks for no key.
            if (context.GetEndpoint() is not RouteEndpoint)
            {
                await AnswerUnroutedAsync(context);
                return;
            }
            using var more = context.RequestServices.GetRequiredService<RefusalLimit>().Ask(context);
            await (more.IsAcquired ? next() : ApiLimit.RefuseAsync(context, more, "Too many requests with a key that opens nothing came from this address"));
        }
        catch (Exception error) when (!context.Response.HasStarted && !context.RequestAborted.IsCancellationRequested)
        {
            await AnswerAsync(context, error);
        }
    }));

    private static async Task AnswerUnroutedAsync(HttpContext context)
    {
        if (context.GetEndpoint()?.RequestDelegate is { } answer)
        {
            await answer(context);
        }
        var (method, path) = (context.Request.Method, context.Request.Path);
        await (context.Response.StatusCode switch
        {
            StatusCodes.Status405MethodNotAllowed => ApiProblem.Of(405, "method-not-allowed", "Not this method", $"{path} does not take {method}: it takes {context.Response.Headers.Allow}."),
            StatusCodes.Status415UnsupportedMediaType => ApiProblem.Of(415, "unsupported-content-type", "Not this type of content", $"{path} does not take \"{context.Request.ContentType}\": {ApiServices.DocumentPath} says which types it takes."),
            _ => ApiProblem.Of(404, "not-found", "There is no such thing", $"There is nothing at {path}: {ApiServices.DocumentPath} lists every address."),
        }).ExecuteAsync(context);
    }

    private static async Task AnswerAsync(HttpContext context, Exception thrown)
    {
        var error = PostgresErrors.Translate(thrown);
        var log = context.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(ApiErrors));
        context.Response.Clear();
        switch (error)
        {
            // What the database found wrong names its tables, rules and values: callers are told none of it.
            case InputException when thrown is not InputException:
                await RefusedByDatabase(context, thrown, log).ExecuteAsync(context);
                return;
            case InputException { Code: InputException.Exists } taken:
                await Taken(taken.Message).ExecuteAsync(context);
                return;
            case InputException wrong:
                await ApiProblem.WrongInput(wrong).ExecuteAsync(context);
                return;
            case BadHttpRequestException bad:
                await Refused(bad).ExecuteAsync(context);
                return;
            case DatabaseException { IsTransient: true } away:
                log.LogWarning("{Method} {Path} had to be refused: {Reason}", context.Request.Method, context.Request.Path, away.Message);
                context.Response.Headers.RetryAfter = RetryAfterSeconds;
                await ApiProblem.Of(503, "database-away", "Not now", $"The database does not answer: try again in {RetryAfterSeconds} s.").ExecuteAsync(context);
                return;
            default:
                await Failed(context, thrown, log).ExecuteAsync(context);
                return;
        }
    }

    private static ProblemHttpResult RefusedByDatabase(HttpContext context, Exception thrown, ILogger log)
    {
        var state = (thrown as PostgresException ?? thrown.InnerException as PostgresException)?.SqlState;
        var taken = state == PostgresErrorCodes.UniqueViolation;
        if (!taken && state?.StartsWith("22", StringComparison.Ordinal) != true)
        {
            return Failed(context, thrown, log);
        }
        log.LogWarning(thrown, "{Method} {Path}: the database refused what was sent", context.Request.Method, context.Request.Path);
        return taken
            ? Taken("Something of this name or key exists already, maybe since a moment: read what there is, then use another.")
            : ApiProblem.WrongInput("The request has a value that cannot be stored: look for characters of the code 0 and for numbers out of range.");
    }

    private static ProblemHttpResult Taken(string detail) => ApiProblem.Of(StatusCodes.Status409Conflict, InputException.Exists, "It exists already", detail);

    private static ProblemHttpResult Failed(HttpContext context, Exception thrown, ILogger log)
    {
        log.LogError(thrown, "{Method} {Path} failed ({Id})", context.Request.Method, context.Request.Path, context.TraceIdentifier);
        return ApiProblem.Of(500, "failed", "Pimm failed", "Something is wrong inside Pimm: whoever runs it finds it in the log by its id.", more: [new("id", context.TraceIdentifier)]);
    }

    private static IResult Refused(BadHttpRequestException bad) => bad switch
    {
        { StatusCode: StatusCodes.Status413PayloadTooLarge } =>
            ApiProblem.Of(413, "too-large", "Too large", "The body is larger than this address takes: send it in parts."),
        { StatusCode: StatusCodes.Status408RequestTimeout } =>
            ApiProblem.Of(408, "too-slow", "Too slow", "The body came too slowly, or not at all: send it at once."),
        { InnerException: JsonException json } => ApiProblem.WrongInput(
            $"The body cannot be read{(json.Path is { Length: > 2 } at ? $": look at \"{at[2..]}\"" : ": it is no JSON of the form that this address takes")}.",
            json.Path is { Length: > 2 } field ? [new ApiFieldError(field[2..], "is unknown, missing or of another type")] : null),
        { StatusCode: StatusCodes.Status415UnsupportedMediaType } =>
            ApiProblem.Of(415, "unsupported-content-type", "Not this type of content", "This address takes JSON: send the header \"Content-Type: application/json\"."),
        _ => Bound(bad.Message),
    };

    // The framework's sentences name its own types.
    private static ProblemHttpResult Bound(string message) =>
        Unbound().Match(message) is { Success: true } odd
            ? ApiProblem.WrongInput($"{odd.Groups["name"].Value} is \"{odd.Groups["value"].Value}\": give {Kind(odd.Groups["type"].Value)}.", [new ApiFieldError(odd.Groups["name"].Value, "is of another type")])
        : Missing().Match(message) is { Success: true } absent
            ? ApiProblem.WrongInput($"{absent.Groups["name"].Value} is missing: give it behind the question mark of the address, as ?{absent.Groups["name"].Value}=….", [new ApiFieldError(absent.Groups["name"].Value, "is missing")])
        : ApiProblem.WrongInput($"{message.TrimEnd('.')}.");

    private static string Kind(string type) => type.Contains("bool", StringComparison.Ordinal) ? "true or false"
        : type.Contains("int", StringComparison.Ordinal) || type.Contains("long", StringComparison.Ordinal) ? "a whole number"
        : type.Contains("Date", StringComparison.Ordinal) ? "a day as 2026-12-01" : "a value of the type that this address takes";

    [GeneratedRegex("^Failed to bind parameter \"(?<type>.+) (?<name>\\w+)\" from \"(?<value>.*)\"", RegexOptions.Singleline)]
    private static partial Regex Unbound();

    [GeneratedRegex("^Required parameter \".+ (?<name>\\w+)\" was not provided from query string")]
    private static partial Regex Missing();
}
