using Microsoft.OpenApi;

namespace Pimm.Web.Api;

/// <summary>Bodies are refused when they have a field that nobody knows; answers may get new ones, and whoever reads them must not mind.</summary>
internal static class ApiSchemas
{
    public static void OpenAnswers(OpenApiDocument document)
    {
        var (schemas, sent) = (document.Components?.Schemas ?? new Dictionary<string, IOpenApiSchema>(), new HashSet<string>(StringComparer.Ordinal));
        foreach (var operation in document.Paths.Values.SelectMany(path => path.Operations!.Values))
        {
            foreach (var body in operation.RequestBody?.Content?.Values ?? [])
            {
                Walk(body.Schema, schemas, sent);
            }
        }
        // Anything: where nothing is an answer too, the property says so itself, and null must not be both.
        if (schemas.TryGetValue("JsonNode", out var anything) && anything is OpenApiSchema any)
        {
            any.Type = JsonSchemaType.Object | JsonSchemaType.Array | JsonSchemaType.String | JsonSchemaType.Number | JsonSchemaType.Boolean;
        }
        foreach (var answer in schemas.Where(schema => !sent.Contains(schema.Key)).Select(schema => schema.Value).OfType<OpenApiSchema>())
        {
            answer.AdditionalPropertiesAllowed = true;
        }
    }

    private static void Walk(IOpenApiSchema? schema, IDictionary<string, IOpenApiSchema> schemas, HashSet<string> found)
    {
        if (schema is OpenApiSchemaReference { Reference.Id: { } name })
        {
            if (!found.Add(name))
            {
                return;
            }
            schema = schemas.TryGetValue(name, out var named) ? named : null;
        }
        if (schema is null)
        {
            return;
        }
        foreach (var part in (schema.Properties?.Values ?? []).Concat(schema.OneOf ?? []).Concat(schema.AnyOf ?? []).Append(schema.Items))
        {
            Walk(part, schemas, found);
        }
    }
}
