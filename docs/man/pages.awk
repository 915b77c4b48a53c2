# pages.awk - the manual pages of the C library, from its headers: one a function, section 3.
#
#     awk -v out=DIR -f pages.awk tally.1 include/tally/*.h
#
# The header is the manual, so the pages can say nothing else. Of a header's parts, which empty lines
# and comments set apart, the first comment is about all of it ("name.h - what it is for", and how to
# use it); a comment before functions is about those up to the next empty line or comment; everything
# else that is declared stands in each page of that header, as it does there. The date is tally.1's.

function escape(text) {
    gsub(/\\/, "\\e", text)
    return text ~ /^[.']/ ? "\\&" text : text
}

# Takes the stars off a comment: its text in `lines`, and how many there are.
function uncomment(text, lines,    raw, count, kept, i) {
    count = split(text, raw, "\n")
    kept = 0
    for (i = 1; i <= count; i++) {
        sub(/^ *\/\*+ ?/, "", raw[i])
        sub(/ *\*\/ *$/, "", raw[i])
        sub(/^ \* ?/, "", raw[i])
        if (kept > 0 || raw[i] != "")
            lines[++kept] = raw[i]
    }
    while (kept > 0 && lines[kept] == "")
        kept--
    return kept
}

# Each sentence begins a line: then a page has the space between them that its reader's device wants.
function write_line(text, file) {
    while (match(text, /[.!?][)"]* +[^a-z ]/)) {
        print escape(substr(text, 1, RSTART + index(substr(text, RSTART), " ") - 2)) > file
        text = substr(text, RSTART + RLENGTH - 1)
    }
    print escape(text) > file
}

# Writes text as paragraphs; what is indented is shown as it stands.
function write_text(lines, from, to, file,    i, shown, apart) {
    for (i = from; i <= to; i++) {
        if (lines[i] == "") {
            apart = 1
        } else if (lines[i] ~ /^    /) {
            if (!shown)
                print ".Bd -literal -offset indent" > file
            else if (apart)
                print "" > file
            shown = 1
            apart = 0
            print escape(substr(lines[i], 5)) > file
        } else {
            if (shown)
                print ".Ed" > file
            if ((shown || apart) && i > from)
                print ".Pp" > file
            shown = apart = 0
            write_line(lines[i], file)
        }
    }
    if (shown)
        print ".Ed" > file
}

function write_literal(text, file,    lines, count, i) {
    print ".Bd -literal" > file
    count = split(text, lines, "\n")
    for (i = 1; i <= count; i++)
        print escape(lines[i]) > file
    print ".Ed" > file
}

# The first sentence, in one line, as a page's name section has it.
function first_sentence(lines, count,    i, text) {
    for (i = 1; i <= count && lines[i] != ""; i++)
        text = text (i > 1 ? " " : "") lines[i]
    if (match(text, /[.:;]( |$)/))
        text = substr(text, 1, RSTART - 1)
    return text ~ /^[A-Z][a-z ]/ ? tolower(substr(text, 1, 1)) substr(text, 2) : text
}

function write_page(name,    file, lines, count, i) {
    file = out "/" name ".3"
    count = uncomment(comments[name], lines)
    print ".Dd " date > file
    print ".Dt " toupper(name) " 3\n.Os Tallystick" > file
    print ".Sh NAME\n.Nm " name "\n.Nd " escape(count ? first_sentence(lines, count) : about) > file
    print ".Sh LIBRARY\nlibtally (libtally, \\-ltally)" > file
    print ".Sh SYNOPSIS\n.In tally/" header > file
    write_literal(declarations[name], file)
    print ".Sh DESCRIPTION" > file
    write_text(lines, 1, count, file)
    print ".Ss All of " header > file
    write_text(intro, 3, intro_count, file)
    if (types != "")
        write_literal(types, file)
    print ".Sh SEE ALSO" > file
    printf ".Xr tally 1" > file
    for (i = 1; i <= function_count; i++)
        if (functions[i] != name)
            printf " ,\n.Xr %s 3", functions[i] > file
    print "" > file
    close(file)
}

# Writes the pages of the header that was read; their functions in order, as lists of pages are.
function finish_header(    i, j, name) {
    for (i = 2; i <= function_count; i++) {
        name = functions[i]
        for (j = i; j > 1 && functions[j - 1] > name; j--)
            functions[j] = functions[j - 1]
        functions[j] = name
    }
    for (i = 1; i <= function_count; i++)
        write_page(functions[i])
}

# A declaration that is complete: of a function, or of a type or constant.
function take_declaration(text,    name) {
    if (text !~ /^(typedef|struct [a-z_]+ \{|struct [a-z_]+;|enum [a-z_]+ \{|#define|static)/ &&
        match(text, /tally_[a-z0-9_]+\(/)) {
        name = substr(text, RSTART, RLENGTH - 1)
        functions[++function_count] = name
        sub(/^TALLY_MUST_CHECK /, "", text)
        declarations[name] = text
        comments[name] = comment
        comment_used = 1
    } else {
        if (comment != "" && !comment_used)
            types = types (types == "" ? "" : "\n") comment
        types = types (types == "" ? "" : "\n") text
        comment = ""
    }
}

BEGIN {
    system("mkdir -p '" out "'")
}

FILENAME ~ /\.1$/ {
    if ($1 == ".Dd")
        date = substr($0, 5)
    next
}

FNR == 1 {
    if (header != "")
        finish_header()
    header = FILENAME
    sub(/.*\//, "", header)
    split("", functions)
    function_count = 0
    types = comment = part = ""
    in_comment = in_part = intro_done = comment_used = 0
}

in_comment {
    comment = comment "\n" $0
    if (/\*\//) {
        in_comment = 0
        if (!intro_done) {
            intro_count = uncomment(comment, intro)
            about = intro[1]
            sub(/^[a-z_.]+ - /, "", about)
            sub(/\.$/, "", about)
            comment = ""
            intro_done = 1
        }
    }
    next
}

!in_part && /^\/\*/ {
    comment = $0
    comment_used = 0
    in_comment = !/\*\//
    next
}

!in_part && /^$/ {
    comment = ""
    next
}

!in_part && (/^#(if|ifndef|ifdef|endif|include)/ || /^#define TALLY_[A-Z_]*_H$/ || /^extern "C"/ || /^}$/ ||
             /clang-format/) {
    next
}

{
    part = in_part ? part "\n" $0 : $0
    in_part = 1
    if (part ~ /^#define/) {
        if ($0 !~ /\\$/)
            in_part = 0
    } else if (/;( *\/\*.*)?$/ && gsub(/\{/, "{", part) == gsub(/\}/, "}", part)) {
        in_part = 0
    }
    if (!in_part)
        take_declaration(part)
}

END {
    finish_header()
}
