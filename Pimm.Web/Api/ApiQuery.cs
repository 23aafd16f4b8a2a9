using System.ComponentModel;
using System.Reflection;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using Pimm.Core;

namespace Pimm.Web.Api;

/// <summary>One page of a list.</summary>
/// <param name="Next">give it as "after" to get what follows; null: nothing does</param>
public sealed record ApiPage<T>(IReadOnlyList<T> Items, long? Next)
{
    /// <param name="rows">up to one more than <paramref name="limit"/>: the one that says that more follow</param>
    public static ApiPage<T> Of<TRow>(IReadOnlyList<TRow> rows, int limit, Func<TRow, T> item, Func<TRow, long> id) =>
        new([.. rows.Take(limit).Select(item)], rows.Count > limit ? id(rows[limit - 1]) : null);
}

/// <summary>What every list and every address has in common about its parameters.</summary>
public static class ApiQuery
{
    public const int DefaultLimit = 50;
    public const int MostRows = 200;

    /// <exception cref="InputException">outside 1 to 200</exception>
    public static int Limit(int? asked) => (asked ?? DefaultLimit) switch
    {
        var limit and >= 1 and <= MostRows => limit,
        var limit => throw new InputException($"limit is {limit}: choose 1 to {MostRows}."),
    };

    /// <summary>A parameter that is misspelt would silently have no effect.</summary>
    public static EndpointFilterDelegate RefuseUnknown(EndpointFilterFactoryContext endpoint, EndpointFilterDelegate next)
    {
        var known = endpoint.MethodInfo.GetParameters().Where(IsFromQuery).Select(Name).ToArray();
        return call =>
        {
            var taken = known.Where(name => !call.HttpContext.Request.RouteValues.ContainsKey(name)).ToList();
            var unknown = call.HttpContext.Request.Query.Keys.FirstOrDefault(given => !taken.Contains(given, StringComparer.OrdinalIgnoreCase));
            return unknown is null ? next(call) : ValueTask.FromResult<object?>(ApiProblem.Of(
                StatusCodes.Status400BadRequest, "unknown-parameter", "Unknown parameter",
                $"There is no parameter \"{unknown}\" here: {(taken.Count == 0 ? "this address takes none" : $"it takes {string.Join(", ", taken)}")}.",
                [new ApiFieldError(unknown, "is no parameter of this address")]));
        };
    }

    private static bool IsFromQuery(ParameterInfo parameter) =>
        parameter.GetCustomAttribute<FromQueryAttribute>() is not null
        || (!parameter.GetCustomAttributes().OfType<IBindingSourceMetadata>().Any() && TypeDescriptor.GetConverter(parameter.ParameterType).CanConvertFrom(typeof(string)));

    private static string Name(ParameterInfo parameter) => parameter.GetCustomAttribute<FromQueryAttribute>()?.Name ?? parameter.Name!;
}
