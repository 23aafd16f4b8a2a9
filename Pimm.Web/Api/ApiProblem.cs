using Microsoft.AspNetCore.Http.HttpResults;
using Pimm.Core;

namespace Pimm.Web.Api;

/// <summary>One of several things that are wrong with a request.</summary>
/// <param name="Field">the field, parameter or header it is about</param>
public sealed record ApiFieldError(string Field, string Message);

/// <summary>Every error of the API: problem+json (RFC 9457) with a code that stays the same from version to version.</summary>
public static class ApiProblem
{
    /// <summary>What stands before the code in a problem's type.</summary>
    public const string TypePrefix = "urn:pimm:problem:";

    /// <param name="code">for programs, such as "unknown-parameter"; never changes</param>
    /// <param name="title">the same for every problem of this code</param>
    /// <param name="detail">one sentence: what, value, bound, what to do</param>
    public static ProblemHttpResult Of(int status, string code, string title, string detail, IReadOnlyList<ApiFieldError>? errors = null, IEnumerable<KeyValuePair<string, object?>>? more = null)
    {
        var extensions = new Dictionary<string, object?> { ["code"] = code };
        if (errors is not null)
        {
            extensions["errors"] = errors;
        }
        foreach (var (name, value) in more ?? [])
        {
            extensions[name] = value;
        }
        return TypedResults.Problem(detail, statusCode: status, title: title, type: TypePrefix + code, extensions: extensions);
    }

    public static ProblemHttpResult WrongInput(string detail, IReadOnlyList<ApiFieldError>? errors = null) =>
        Of(StatusCodes.Status400BadRequest, "wrong-input", "The request cannot be used", detail, errors);

    /// <summary>With the refusal's own code where it has one.</summary>
    public static ProblemHttpResult WrongInput(InputException refused, int status = StatusCodes.Status400BadRequest) =>
        Of(status, refused.Code?.Replace('_', '-') ?? "wrong-input", "The request cannot be used", refused.Message);

    /// <param name="what">such as "campaign 7"</param>
    public static ProblemHttpResult NotFound(string what) =>
        Of(StatusCodes.Status404NotFound, "not-found", "There is no such thing", $"There is no {what}.");
}

/// <summary>What a problem looks like to a program.</summary>
/// <param name="Type">urn:pimm:problem: and the code</param>
/// <param name="Title">the same for every problem of this code</param>
/// <param name="Detail">one sentence: what, value, bound, what to do</param>
/// <param name="Code">for programs; never changes</param>
/// <param name="Errors">the fields that are wrong, where it is about fields</param>
/// <param name="Id">what the log calls this failure, where it is Pimm's</param>
public sealed record ApiProblemBody(string Type, string Title, int Status, string Detail, string Code, IReadOnlyList<ApiFieldError>? Errors = null, string? Id = null);
