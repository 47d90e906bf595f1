"""Readers of slides, word-processor files and PDF."""

from __future__ import annotations

import io

import pytest
from pdf_samples import make_pdf
from read_samples import outline

from corpus.readers import UnreadableError, docx, pdf, pptx
from corpus.readers.omml import MATH, latex


def test_slides_in_visual_order_with_tables_and_notes() -> None:
    from pptx import Presentation
    from pptx.util import Inches

    presentation = Presentation()
    presentation.core_properties.title = "PowerPoint Presentation"
    slide = presentation.slides.add_slide(presentation.slide_layouts[1])
    lower = slide.shapes.add_textbox(Inches(1), Inches(6), Inches(2), Inches(1))
    lower.text_frame.text = "At the foot"
    right = slide.shapes.add_textbox(Inches(6), Inches(5), Inches(2), Inches(0.5))
    right.text_frame.text = "Right"
    left = slide.shapes.add_textbox(Inches(1), Inches(5), Inches(2), Inches(0.5))
    left.text_frame.text = "Left"
    slide.shapes.title.text = "Gates"
    frame = slide.placeholders[1].text_frame
    frame.text = "one"
    nested = frame.add_paragraph()
    nested.text, nested.level = "two", 1
    table = slide.shapes.add_table(2, 2, Inches(1), Inches(7), Inches(4), Inches(1)).table
    table.cell(0, 0).text, table.cell(1, 1).text = "a", "b|c"
    slide.notes_slide.notes_text_frame.text = "Say this."
    presentation.slides.add_slide(presentation.slide_layouts[6])
    stream = io.BytesIO()
    presentation.save(stream)
    document = pptx.read(stream.getvalue(), source="a.pptx")
    assert outline(document) == [
        ("heading", 2, "Gates"),
        ("list", 0, "- one\n  - two"),
        ("paragraph", 0, "Left"),
        ("paragraph", 0, "Right"),
        ("paragraph", 0, "At the foot"),
        ("table", 0, "| a |  |\n| --- | --- |\n|  | b\\|c |"),
        ("notes", 0, "Say this."),
    ]
    assert {block.slide for block in document.blocks} == {1}
    assert document.warnings == ("slide 2 has no text",)
    assert document.title == "Gates"


def test_bullets_and_numbers_of_slides() -> None:
    from lxml import etree
    from pptx import Presentation
    from pptx.util import Inches

    drawing = "http://schemas.openxmlformats.org/drawingml/2006/main"
    presentation = Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[1])
    slide.shapes.title.text = "Sauces"
    body = slide.placeholders[1].text_frame
    kinds = ["buNone", "", "buAutoNum", "buAutoNum", "buAutoNum", "", "buAutoNum"]
    words = ["Five of them:", "\u2022 Velout\u00e9", "melt", "stir", "strain", "aside", "serve"]
    for number, (kind, text) in enumerate(zip(kinds, words, strict=True)):
        paragraph = body.paragraphs[0] if number == 0 else body.add_paragraph()
        paragraph.text, paragraph.level = text, int(number in (2, 3, 4))
        if kind:
            etree.SubElement(paragraph._p.get_or_add_pPr(), f"{{{drawing}}}{kind}")
    plain = slide.shapes.add_textbox(Inches(1), Inches(6), Inches(2), Inches(1)).text_frame
    plain.text = "A caption"
    plain.add_paragraph().text = "in two lines"
    one = presentation.slides.add_slide(presentation.slide_layouts[1])
    one.shapes.title.text, one.placeholders[1].text_frame.text = "Roux", "Flour and butter thicken a sauce."
    stream = io.BytesIO()
    presentation.save(stream)
    assert outline(pptx.read(stream.getvalue(), source="a.pptx")) == [
        ("heading", 2, "Sauces"),
        ("paragraph", 0, "Five of them:"),
        ("list", 0, "- Velout\u00e9\n  1. melt\n  2. stir\n  3. strain\n- aside\n1. serve"),
        ("paragraph", 0, "A caption\nin two lines"),
        ("heading", 2, "Roux"),
        ("paragraph", 0, "Flour and butter thicken a sauce."),
    ]


OMML = """<m:oMathPara xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"><m:oMath>
<m:sSub><m:e><m:r><m:t>h</m:t></m:r></m:e><m:sub><m:r><m:t>t</m:t></m:r></m:sub></m:sSub><m:r><m:t>=</m:t></m:r>
<m:f><m:num><m:r><m:t>a</m:t></m:r></m:num><m:den><m:rad><m:e><m:r><m:t>d</m:t></m:r></m:e></m:rad></m:den></m:f>
<m:nary><m:naryPr><m:chr m:val="\u2211"/></m:naryPr><m:sub><m:r><m:t>i</m:t></m:r></m:sub><m:sup/><m:e><m:d><m:e>
<m:r><m:t>x</m:t></m:r></m:e></m:d></m:e></m:nary></m:oMath></m:oMathPara>"""
OMML_AS_LATEX = "h_{t}=\\frac{a}{\\sqrt{d}}\\sum_{i} \\left( x \\right)"


def test_office_equations_become_latex() -> None:
    from lxml import etree

    assert latex(etree.fromstring(OMML)) == OMML_AS_LATEX
    matrix = (
        f'<m xmlns="{MATH[1:-1]}"><mr><e><r><t>1</t></r></e><e><r><t>2</t></r></e></mr>'
        "<mr><e><r><t>3</t></r></e><e><r><t>4</t></r></e></mr></m>"
    )
    assert latex([etree.fromstring(matrix)]) == "\\begin{matrix} 1 & 2 \\\\ 3 & 4 \\end{matrix}"


def test_word_documents_in_order() -> None:
    from docx import Document as open_docx
    from lxml import etree

    word = open_docx()
    word.add_heading("Course", 0)
    word.add_heading("Gates", 1)
    word.add_paragraph("Running text.")
    word.add_paragraph("item", style="List Bullet")
    table = word.add_table(2, 2)
    table.cell(0, 0).text, table.cell(1, 1).text = "x", "y"
    word.add_paragraph()._p.append(etree.fromstring(OMML))
    stream = io.BytesIO()
    word.save(stream)
    document = docx.read(stream.getvalue(), source="a.docx")
    assert outline(document) == [
        ("heading", 1, "Course"),
        ("heading", 1, "Gates"),
        ("paragraph", 0, "Running text."),
        ("list", 0, "- item"),
        ("table", 0, "| x |  |\n| --- | --- |\n|  | y |"),
        ("equation", 0, f"$${OMML_AS_LATEX}$$"),
    ]


def test_code_in_word_documents_is_one_block() -> None:
    from docx import Document as open_docx

    word = open_docx()
    word.add_paragraph("It is short:")
    for line in ("def f(x):", "    y = x", "", "    return y"):
        run = word.add_paragraph().add_run(line)
        run.font.name = "Courier New"
    word.add_paragraph("echo on", style="macro")
    word.add_paragraph("Call it f.")
    stream = io.BytesIO()
    word.save(stream)
    document = docx.read(stream.getvalue(), source="a.docx")
    assert outline(document) == [
        ("paragraph", 0, "It is short:"),
        ("code", 0, "```\ndef f(x):\n    y = x\n\n    return y\necho on\n```"),
        ("paragraph", 0, "Call it f."),
    ]


def test_pdf_bullets_that_are_drawn_and_lines_that_are_full() -> None:
    import pypdfium2
    from pypdfium2 import raw

    wide = "The tables were the first written code of Rome, and they were displayed in the"
    pages = [
        [(24, 740, "Sources"), (12, 700, "Statutes"), (12, 686, "Edicts"), (12, 672, "Responses"), (12, 630, wide),
         (12, 616, "Forum."), (12, 602, "Nothing is left."), (12, 560, "Year one"), (12, 546, "Year two")],
    ]  # fmt: skip
    with pypdfium2.PdfDocument(make_pdf(pages)) as file:
        page = file[0]
        for height in (700, 686, 672):
            dot = raw.FPDFPageObj_CreateNewRect(40, height + 3, 4, 4)
            raw.FPDFPath_SetDrawMode(dot, raw.FPDF_FILLMODE_WINDING, 0)
            raw.FPDFPage_InsertObject(page.raw, dot)
        raw.FPDFPage_GenerateContent(page.raw)
        stream = io.BytesIO()
        file.save(stream)
    assert outline(pdf.read(stream.getvalue(), source="a.pdf")) == [
        ("heading", 1, "Sources"),
        ("list", 0, "- Statutes\n- Edicts\n- Responses"),
        ("paragraph", 0, f"{wide} Forum.\nNothing is left."),
        ("paragraph", 0, "Year one\nYear two"),
    ]


def test_pdf_pages_with_headings_paragraphs_and_labels() -> None:
    pages = [
        [(24, 740, "Recurrent networks"), (12, 700, "A state is carried along,"), (12, 686, "one step at a time."),
         (12, 640, "A new paragraph."), (12, 620, "- first item"), (12, 606, "- second item"), (8, 20, "Course 1 / 5")],
        [(24, 740, "Gates"), (12, 700, "They open."), (8, 20, "Course 2 / 5")],
        [],
        [(12, 700, "Words on four."), (8, 20, "Course 4 / 5")],
        [(12, 700, "Words on five."), (8, 20, "Course 5 / 5")],
    ]  # fmt: skip
    labels = "/PageLabels << /Nums [0 << /S /r >> 1 << /S /D /St 10 >>] >>"
    document = pdf.read(make_pdf(pages, labels), source="week_1.pdf")
    assert outline(document) == [
        ("heading", 1, "Recurrent networks"),
        ("paragraph", 0, "A state is carried along,\none step at a time."),
        ("paragraph", 0, "A new paragraph."),
        ("list", 0, "- first item\n- second item"),
        ("heading", 1, "Gates"),
        ("paragraph", 0, "They open."),
        ("paragraph", 0, "Words on four."),
        ("paragraph", 0, "Words on five."),
    ]
    assert [block.page for block in document.blocks] == [1, 1, 1, 1, 2, 2, 4, 5]
    assert document.page_labels == {1: "i", 2: "10", 3: "11", 4: "12", 5: "13"}
    assert document.title == "Recurrent networks"
    assert document.warnings == ("no text on 1 of 5 pages (3); a scan needs text recognition",)


def test_an_encrypted_pdf_is_refused() -> None:
    key = "<" + "41" * 32 + ">"
    lock = f"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O {key} /U {key} >> /ID [<00> <00>]"
    with pytest.raises(UnreadableError, match="encrypted; save it without a password"):
        pdf.read(make_pdf([[(12, 700, "Secret")]], trailer=lock), source="a.pdf")
